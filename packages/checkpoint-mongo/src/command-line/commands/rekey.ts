import type { CommandDefinition } from "../command.ts";
import { asUsageError } from "../command-line-error.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { printFields } from "../terminal/fields.ts";
import { formatCount } from "../terminal/format-count.ts";
import { showProgress, type Progress } from "../terminal/progress.ts";

/** `threadkeep rekey`. */
export const rekeyCommand: CommandDefinition = {
  name: "rekey",
  group: "Keep the database:",
  summary: "wrap data keys with the current master key",
  description:
    "Wraps the data keys of all threads with the current key of encryption in the file of --config. What is stored " +
    "of threads stays as it is. Safe while savers are at work. If it is ended, run it again: it goes on with the " +
    "rest. Keep the old key until it says that no data key needs it",
  examples: [["rekey --config ./saver-options.mjs", "after currentKeyId was changed everywhere"]],
  run: async ({ connect, present, terminal }) => {
    const { saver, settings } = await connect();
    if (settings.config.encryption === undefined) {
      throw asUsageError(
        "There are no keys. Give the options of your saver with --config, with encryption among them.",
      );
    }
    let progress: Progress | undefined;
    let shown = 0;
    const starting: Promise<void>[] = [];
    const result = await saver.rekey({
      onProgress: ({ done, total }) => {
        if (starting.length === 0) {
          starting.push(
            showProgress(terminal, "data keys", total).then((made) => {
              progress = made;
            }),
          );
        }
        progress?.advance(done - shown);
        if (progress !== undefined) shown = done;
      },
    });
    await Promise.all(starting);
    progress?.stop();
    const failed = result.failed.map(({ threadId, error }) => ({
      threadId,
      keyId: error.keyId,
      message: error.message,
    }));
    await present({ ...result, failed }, () => {
      printFields(terminal, [
        ["Key", { plain: result.keyId, shown: result.keyId }],
        ["Wrapped", { plain: result.rewrapped, shown: formatCount(result.rewrapped, "data key") }],
        ["Left", { plain: result.left, shown: formatCount(result.left, "data key") }],
      ]);
      for (const { message } of failed) terminal.warn(message);
    });
    return result.left > 0 ? EXIT_CODES.damaged : EXIT_CODES.done;
  },
};
