import type { CommandDefinition } from "../command.ts";
import { YES_OPTION } from "../command.ts";
import { findMissingThreads } from "../find-threads.ts";
import { confirm } from "../terminal/ask.ts";
import { formatCount } from "../terminal/format-count.ts";
import { showProgress } from "../terminal/progress.ts";

interface DeleteOptions {
  readonly yes?: boolean | undefined;
  readonly ifExists?: boolean | undefined;
}

/** `threadkeep delete`. */
export const deleteCommand: CommandDefinition<DeleteOptions> = {
  name: "delete",
  group: "Change threads:",
  summary: "delete threads",
  description:
    "Deletes everything that is stored of threads, in all namespaces. This cannot be undone",
  examples: [
    ["delete 42", "asks first"],
    ["delete 42 43 --yes", "does not ask"],
  ],
  configure: (command) => {
    command
      .argument("<threads...>", "ids of the threads")
      .option("--if-exists", "threads that are not there are no error")
      .option(...YES_OPTION);
  },
  run: async ({ args: [given = []], options, connect, present, terminal }) => {
    const { saver } = await connect();
    const threadIds = [...new Set(given)];
    const missing = await findMissingThreads(saver, threadIds, {
      isError: options.ifExists !== true,
    });
    const found = threadIds.filter((threadId) => !missing.includes(threadId));
    if (found.length > 0) {
      const what =
        found.length === 1 ? `thread "${found[0]}"` : formatCount(found.length, "thread");
      await confirm(
        terminal,
        `Delete ${what} with all checkpoints? This cannot be undone.`,
        options,
      );
    }
    const progress = await showProgress(terminal, "threads", found.length);
    for (const threadId of found) {
      await saver.deleteThread(threadId);
      progress.advance();
    }
    progress.stop();
    await present({ deleted: found, missing }, () => {
      terminal.print(`Deleted ${formatCount(found.length, "thread")}.`);
    });
  },
};
