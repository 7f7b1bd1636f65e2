import { createInterface } from "node:readline/promises";
import { CommandLineError } from "../command-line-error.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { escapeControls } from "./escape-controls.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Asks before something is destroyed.
 *
 * @param question what would be destroyed, as a question
 * @throws CommandLineError if the answer is not yes, or nobody is there to answer
 */
export async function confirm(
  terminal: Terminal,
  question: string,
  { yes }: { readonly yes?: boolean | undefined },
): Promise<void> {
  if (yes === true) return;
  if (!terminal.canAsk) {
    throw new CommandLineError(
      EXIT_CODES.refused,
      "NOT_CONFIRMED",
      "This destroys what is stored, and there is no terminal to ask at. Nothing was changed. " +
        "Give --yes to do it without a question.",
    );
  }
  const { stdin, stderr } = terminal.streams;
  const asking = createInterface({ input: stdin, output: stderr });
  const closed = new Promise<string>((resolve) => {
    asking.once("close", () => resolve(""));
  });
  // Ctrl-C has to end the program while it asks, too.
  asking.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const shown = `${terminal.styleError("yellow", "?")} ${escapeControls(question)} [y/N] `;
  const answer = await Promise.race([asking.question(shown), closed]);
  asking.close();
  if (!/^\s*y(?:es)?\s*$/i.test(answer)) {
    throw new CommandLineError(EXIT_CODES.refused, "NOT_CONFIRMED", "Nothing was changed.");
  }
}
