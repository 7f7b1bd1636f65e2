import { escapeControls } from "./escape-controls.ts";
import type { Cell } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Prints names with their values, one on a line: for people aligned, for programs with a tab between.
 *
 * @param fields those without a value are left out for people
 */
export function printFields(
  terminal: Terminal,
  fields: readonly (readonly [name: string, cell: Cell])[],
): void {
  const visible = fields.filter(
    ([, { plain, shown }]) => !terminal.isTerminal || (shown ?? plain) !== undefined,
  );
  const width = Math.max(...visible.map(([name]) => name.length));
  for (const [name, { plain, shown, style }] of visible) {
    const title = escapeControls(name);
    if (terminal.isTerminal) {
      const text = escapeControls(shown ?? String(plain ?? ""));
      const styled = style === undefined ? text : terminal.style(style, text);
      terminal.print(`${terminal.style("dim", title.padEnd(width))}  ${styled}`);
    } else {
      terminal.print(`${title}\t${escapeControls(String(plain ?? ""))}`);
    }
  }
}
