import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";

/**
 * Answers a shell that asks how a line can go on: `threadkeep complete -- <words>`. The scripts of `completion`
 * call it.
 */
export function complete(program: Command, argv: readonly string[]): void {
  const globals = program.options;
  const all = (command: Command) => [...new Set([...command.options, ...globals])];
  for (const command of program.commands) command.configureHelp({ visibleOptions: all });
  const words = argv.slice(argv.indexOf("--") + 1);
  tab(program, { completionCommandName: "completion" }).parse([...words]);
}
