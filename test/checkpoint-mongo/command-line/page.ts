import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runPiped } from "./run-threadkeep.ts";

/** The page about the command line. What is between the marks is the help as it is printed. */
export const PAGE = fileURLToPath(new URL("../../../docs/command-line.md", import.meta.url));

const BEGIN = "<!-- help: begin -->";
const END = "<!-- help: end -->";

/** The page as it is, and as it should be. */
export async function makePage(): Promise<{ readonly is: string; readonly should: string }> {
  const is = await readFile(PAGE, "utf8");
  const [before, rest = ""] = is.split(BEGIN);
  const [, after] = rest.split(END);
  if (before === undefined || after === undefined)
    throw new Error(`${PAGE} lacks ${BEGIN} or ${END}.`);
  const program = await readHelp([]);
  const commands = listCommands(program);
  const sections = await Promise.all(
    commands.map(async (command) => {
      const help = await readHelp([command]);
      // What is the same for all commands is said once.
      const own = help.replace(/\nGlobal Options:\n[^]*?\n(?=\n)/, "");
      return `### ${command}\n\n\`\`\`text\n${own}\n\`\`\`\n`;
    }),
  );
  const text = [`\`\`\`text\n${program}\n\`\`\`\n`, "## Commands\n", ...sections].join("\n");
  return { is, should: `${before}${BEGIN}\n\n${text}\n${END}${after}` };
}

/** The commands that a help lists. */
export function listCommands(help: string): readonly string[] {
  const [, lists = ""] = /\n(Look:\n[^]*?)\nExamples:/.exec(help) ?? [];
  return Array.from(lists.matchAll(/^ {2}([a-z]+) /gm), ([, name]) => name!);
}

/** The help of the program or of a command. */
export async function readHelp(words: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runPiped([...words, "--help"], {});
  if (exitCode !== 0) throw new Error(stderr);
  return stdout.trim();
}
