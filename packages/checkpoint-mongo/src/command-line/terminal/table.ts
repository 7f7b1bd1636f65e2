import { escapeControls } from "./escape-controls.ts";
import type { Style, Terminal } from "./terminal.ts";

/** A cell: for programs as it is, for people as they read it. */
export interface Cell {
  /** For programs. */
  readonly plain: string | number | undefined;
  /** For people; without it, the plain one. */
  readonly shown?: string | undefined;
  readonly style?: Style | undefined;
}

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean | undefined;
  /** Whether it gives way where the terminal is too narrow. */
  readonly isWide?: boolean | undefined;
}

/** A wide column has at least so many characters. */
const MIN_WIDE = 12;
const GAP = 2;

/**
 * Prints a table: for people with titles, aligned and cut to the width of the terminal; for programs as lines of
 * cells with tabs between them, without titles.
 */
export async function printTable(
  terminal: Terminal,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): Promise<void> {
  if (!terminal.isTerminal) {
    for (const row of rows) {
      terminal.print(row.map(({ plain }) => escapeControls(String(plain ?? ""))).join("\t"));
    }
    return;
  }
  const { default: Table } = await import("cli-table3");
  const shown = rows.map((row) =>
    row.map(({ plain, shown: text }) => escapeControls(text ?? String(plain ?? ""))),
  );
  const widths = chooseWidths(columns, shown, terminal.columns);
  const table = new Table({
    head: columns.map(({ title }) => terminal.style("dim", title.toUpperCase())),
    colWidths: widths.map((width) => width + GAP),
    colAligns: columns.map(({ isNumber }) => (isNumber === true ? "right" : "left")),
    chars: NO_LINES,
    style: { "padding-left": 0, "padding-right": GAP, head: [], border: [], compact: true },
  });
  for (const [index, row] of rows.entries()) {
    table.push(
      row.map(({ style }, column) => {
        const text = shown[index]![column]!;
        return style === undefined ? text : terminal.style(style, text);
      }),
    );
  }
  terminal.print(
    table
      .toString()
      .split("\n")
      .map((line) => line.trimEnd())
      .join("\n"),
  );
}

const LINES =
  "top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right " +
  "right-mid middle";

const NO_LINES = Object.fromEntries(LINES.split(" ").map((name) => [name, ""]));

/** Wide columns share what the others leave. */
function chooseWidths(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  available: number,
): readonly number[] {
  const widths = columns.map(({ title }, column) =>
    Math.max(title.length, ...rows.map((row) => measureWidth(row[column] ?? ""))),
  );
  const excess = (): number =>
    widths.reduce((sum, width) => sum + width + GAP, 0) - GAP - available;
  const wide = columns.flatMap(({ isWide }, column) => (isWide === true ? [column] : []));
  while (excess() > 0) {
    const [widest] = wide.toSorted((a, b) => widths[b]! - widths[a]!);
    if (widest === undefined || widths[widest]! <= MIN_WIDE) break;
    const next = wide
      .map((column) => widths[column]!)
      .filter((width) => width < widths[widest]!)
      .reduce((most, width) => Math.max(most, width), MIN_WIDE);
    widths[widest] = Math.max(next - 1, widths[widest]! - excess(), MIN_WIDE);
  }
  return widths;
}

/** East Asian characters and pictures take two columns. */
function measureWidth(text: string): number {
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : 1;
  return width;
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uFF01-\uFF60]/u;
