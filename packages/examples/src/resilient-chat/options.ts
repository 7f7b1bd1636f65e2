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
export const HELP = `Usage: node --conditions=@threadkeep/source packages/examples/src/resilient-chat/main.ts [options]

A chat in the terminal that answers although a model fails, keeps to a budget,
and goes on by its thread id in a new process.

Options:
  --message TEXT      say this, print the answer and end; without it, a prompt
  --thread ID         go on with this conversation (default: a new one)
  --budget USD        what this process may spend (default ${DEFAULT_BUDGET_USD})
  --help              show this text

Environment:
  HOLYSHEEP_API_KEY   use HolySheep's models, the cheapest first; or else
  OPENAI_API_KEY      use OpenAI, or the compatible server at OPENAI_BASE_URL;
                      without any of these a local server gives scripted answers
  OPENAI_MODEL        models with commas between them, each to stand in for those
                      before (default gpt-4.1-mini,gpt-4.1-nano)
  MONGODB_URI         where conversations are kept; without it they last as long
                      as the process
  MONGODB_DB          the database (default threadkeep_chat)
  NO_COLOR            no colours`;

/** @throws TypeError for an option that doesn't exist, or a value it doesn't have. */
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
