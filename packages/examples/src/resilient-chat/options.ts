import { parseArgs } from "node:util";

/** What the chat was asked to do on the command line. */
export interface ChatOptions {
  help: boolean;
  /** Say this, print the answer, and end; absent: a conversation at the prompt. */
  message?: string | undefined;
  /** The conversation to go on with; absent: a new one. */
  threadId?: string | undefined;
  /** What this process may spend, in USD. */
  budgetUsd: number;
}

const DEFAULT_BUDGET_USD = 0.1;

/** The text of `--help`. */
export const HELP = `Usage: npm start -- [options]

A chat in the terminal that answers although a model fails, keeps to a budget,
and continues by its thread id in a new process.

Options:
  --message TEXT      say this, print the answer and end; without it, a prompt
  --thread ID         go on with this conversation (default: a new one)
  --budget USD        what this process may spend (default ${DEFAULT_BUDGET_USD})
  --help              show this text

The environment, or the file .env, may name models and a MongoDB: see .env.example.`;

/** @throws TypeError for an option that does not exist, or a value it does not have. */
export function readOptions(args: readonly string[]): ChatOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h", default: false },
      message: { type: "string", short: "m" },
      thread: { type: "string", short: "t" },
      budget: { type: "string", short: "b", default: String(DEFAULT_BUDGET_USD) },
    },
  });
  const budgetUsd = Number(values.budget);
  if (!(budgetUsd > 0))
    throw new TypeError(`--budget is an amount of USD above 0, not ${values.budget}.`);
  return { help: values.help, message: values.message, threadId: values.thread, budgetUsd };
}
