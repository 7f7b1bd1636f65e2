import { parseArgs } from "node:util";

/** What the chat was asked to do on the command line. */
export interface ChatOptions {
  readonly help: boolean;
  readonly userId: string;
  readonly threadId: string;
  /** Say this, print the answer, and end; undefined: a conversation at the prompt. */
  readonly message: string | undefined;
}

/** The text of `--help`. */
export const HELP = `Usage: npm start -- [options]

A chat that remembers its user across conversations, and continues where it was cut off.

  --user ID       whose memories to use (default: me)
  --thread ID     the conversation to go on with (default: first)
  --message TEXT  say this, print the answer and end; without it, a prompt
  --help          show this text

The environment, or the file .env, may name a model and a MongoDB: see .env.example.`;

/** @throws TypeError for an option that does not exist */
export function readOptions(args: readonly string[]): ChatOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h", default: false },
      user: { type: "string", short: "u", default: "me" },
      thread: { type: "string", short: "t", default: "first" },
      message: { type: "string", short: "m" },
    },
  });
  return {
    help: values.help,
    userId: values.user,
    // A thread belongs to one user: nobody can continue another user's thread by naming it.
    threadId: [values.user, values.thread].map(encodeURIComponent).join("/"),
    message: values.message,
  };
}
