import { Option, type Command } from "commander";
import { parseDuration } from "../arguments/parse-duration.ts";
import { parseWholeNumber } from "../arguments/parse-number.ts";
import { YES_OPTION, type CommandDefinition, type Invocation } from "../command.ts";
import { asUsageError } from "../command-line-error.ts";
import { EXIT_CODES, type ExitCode } from "../exit-codes.ts";
import { findMissingThreads } from "../find-threads.ts";
import { CorruptCheckpointError } from "../../errors/corrupt-checkpoint-error.ts";
import { PruneRefusedError } from "../../errors/prune-refused-error.ts";
import { confirm } from "../terminal/ask.ts";
import { formatBytes } from "../terminal/format-bytes.ts";
import { formatCount, formatNumber } from "../terminal/format-count.ts";
import { formatSpan } from "../terminal/format-time.ts";
import { printFields } from "../terminal/fields.ts";
import { listSome } from "../terminal/list-some.ts";
import { showProgress, type Progress } from "../terminal/progress.ts";
import type { PruneOptions } from "../../retention/prune-options.ts";
import type { PruneResult } from "../../retention/prune-threads.ts";
import type { MongoDBSaver } from "../../saver/mongodb-saver.ts";

/** What was removed, and which threads were left as they were. */
interface Pruning extends PruneResult {
  readonly damaged: readonly string[];
}

interface PruneCommandOptions {
  readonly all?: boolean | undefined;
  readonly keepLatest?: boolean | undefined;
  readonly keepLast?: number | undefined;
  /** Seconds. */
  readonly olderThan?: number | undefined;
  readonly discardWaiting?: boolean | undefined;
  readonly yes?: boolean | undefined;
}

/** `threadkeep prune`. */
export const pruneCommand: CommandDefinition<PruneCommandOptions> = {
  name: "prune",
  group: "Change threads:",
  summary: "remove earlier checkpoints of threads",
  description:
    "Removes checkpoints of threads, each with its pending writes. The latest of each namespace always stays, and so do " +
    "the ancestors that it is made of. Branches that wait for an answer are not removed. Safe while savers are at work",
  examples: [
    ["prune 42 --keep-latest", "only the latest checkpoint stays"],
    ["prune --all --keep-last 10", "the last ten of each thread stay"],
    ["prune --all --older-than 30d --yes", "for a nightly job"],
  ],
  configure,
  run,
};

function configure(command: Command): void {
  command
    .argument("[threads...]", "ids of the threads")
    .option("-a, --all", "all threads")
    .addOption(
      new Option("--keep-latest", "the latest checkpoint of each namespace stays").conflicts([
        "keepLast",
        "olderThan",
      ]),
    )
    .addOption(
      new Option("--keep-last <number>", "so many of each namespace stay")
        .argParser((text) => parseWholeNumber("--keep-last", text, { min: 1 }))
        .conflicts(["keepLatest", "olderThan"]),
    )
    .addOption(
      new Option("--older-than <duration>", "checkpoints that are older go, for example 12h or 30d")
        .argParser((text) => parseDuration("--older-than", text))
        .conflicts(["keepLatest", "keepLast"]),
    )
    .option("--discard-waiting", "branches that wait for an answer may go, too")
    .option(...YES_OPTION);
}

async function run({
  args: [given = []],
  options,
  terminal,
  connect,
  present,
}: Invocation<PruneCommandOptions>): Promise<ExitCode> {
  const threadIds = [...new Set(given)];
  if ((options.all === true) === threadIds.length > 0) {
    throw asUsageError("Name threads, or give --all: one of the two.");
  }
  const how = chooseStrategy(options);
  const { saver } = await connect();
  const total = options.all === true ? await saver.threads.count() : threadIds.length;
  if (options.all !== true) await findMissingThreads(saver, threadIds, { isError: true });
  const of =
    options.all === true ? `all ${formatCount(total, "thread")}` : formatCount(total, "thread");
  await confirm(terminal, `Remove ${describe(how)} of ${of}? This cannot be undone.`, options);
  const result: Pruning =
    options.all === true
      ? await pruneAll(saver, how, await showProgress(terminal, "threads", total))
      : { ...(await saver.prune(threadIds, how)), damaged: [] };
  const { refused, damaged } = result;
  await present(result, () => {
    printFields(terminal, [
      ["Threads", { plain: result.threads, shown: formatNumber(result.threads) }],
      ["Checkpoints", { plain: result.checkpoints, shown: formatNumber(result.checkpoints) }],
      ["Freed", { plain: result.bytesFreed, shown: formatBytes(result.bytesFreed) }],
      ["To sweep", { plain: result.bytesToSweep, shown: formatBytes(result.bytesToSweep) }],
    ]);
  });
  if (refused.length > 0) {
    terminal.warn(
      `${formatCount(refused.length, "thread")} left, because a branch waits for an answer: ${listSome(refused)}`,
    );
  }
  if (damaged.length > 0) {
    terminal.warn(
      `${formatCount(damaged.length, "thread")} left, because of damage: ${listSome(damaged)}`,
    );
    return EXIT_CODES.damaged;
  }
  return refused.length > 0 ? EXIT_CODES.refused : EXIT_CODES.done;
}

function chooseStrategy(options: PruneCommandOptions): PruneOptions {
  const { keepLatest, keepLast, olderThan, discardWaiting } = options;
  if (keepLatest === true) return { strategy: "keep_latest", discardWaiting };
  if (keepLast !== undefined) return { strategy: "keep_last", count: keepLast, discardWaiting };
  if (olderThan !== undefined)
    return { strategy: "older_than", seconds: olderThan, discardWaiting };
  throw asUsageError(
    "Say what stays: --keep-latest, --keep-last <number> or --older-than <duration>.",
  );
}

function describe(how: PruneOptions): string {
  if (how.strategy === "keep_last")
    return `all but the last ${formatCount(how.count, "checkpoint")}`;
  if (how.strategy === "older_than")
    return `checkpoints older than ${formatSpan(how.seconds * 1_000)}`;
  return "all but the latest checkpoint";
}

/** One thread after the other, so that there is progress to be seen, and no thread stands in the way of others. */
async function pruneAll(
  saver: MongoDBSaver,
  how: PruneOptions,
  progress: Progress,
): Promise<Pruning> {
  const sum = { threads: 0, checkpoints: 0, bytesFreed: 0, bytesToSweep: 0 };
  const refused: string[] = [];
  const damaged: string[] = [];
  for await (const threadId of saver.threads.ids()) {
    try {
      const result = await saver.prune([threadId], how);
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += result[key];
    } catch (error) {
      if (PruneRefusedError.isInstance(error)) refused.push(threadId);
      else if (CorruptCheckpointError.isInstance(error)) damaged.push(threadId);
      else throw error;
    }
    progress.advance();
  }
  progress.stop();
  return { ...sum, refused, damaged };
}
