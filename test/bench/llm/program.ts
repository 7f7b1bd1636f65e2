import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

type Flags<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options }>
>["values"];

/**
 * Runs a benchmark that is a program of its own: prints `usage` if `--help` is among the arguments,
 * else calls `main` with the flags and exits with the code it returns, or with 2 if it throws.
 */
export async function runProgram<const Options extends ParseArgsOptionsConfig>(
  usage: string,
  options: Options,
  main: (flags: Flags<Options>) => Promise<number>,
): Promise<never> {
  const args = process.argv.slice(2);
  if (args.includes("--help") || args.includes("-h")) {
    console.log(usage);
    process.exit(0);
  }
  try {
    process.exit(await main(parseArgs({ args, options }).values));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(`\n${usage}`);
    process.exit(2);
  }
}

/**
 * A whole number from 1.
 *
 * @throws Error naming the flag, what it has to be and what it is
 */
export function readCount(flag: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new Error(`${flag} is "${text}"; it has to be a whole number from 1.`);
}

/**
 * One of several words.
 *
 * @throws Error naming the flag, what it has to be and what it is
 */
export function readChoice<const Choice extends string>(
  flag: string,
  text: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((known) => known === text);
  if (choice !== undefined) return choice;
  throw new Error(`${flag} is "${text}"; it has to be one of ${choices.join(", ")}.`);
}
