import { Option, type Command } from "commander";
import { parseDuration } from "../arguments/parse-duration.ts";
import { parseWholeNumber } from "../arguments/parse-number.ts";
import type { CommandDefinition, Invocation } from "../command.ts";
import { asUsageError } from "../command-line-error.ts";
import { ENVIRONMENT } from "../connection/connection-options.ts";
import { EXIT_CODES, type ExitCode } from "../exit-codes.ts";
import { findMissingThreads } from "../find-threads.ts";
import { listSome } from "../terminal/list-some.ts";
import { printFields } from "../terminal/fields.ts";
import { formatBytes } from "../terminal/format-bytes.ts";
import { formatCount } from "../terminal/format-count.ts";
import { showProgress } from "../terminal/progress.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { MongoDBSaver } from "../../saver/mongodb-saver.ts";
import type { SkippedThread, SkipReason } from "../../transfer/archive-threads.ts";

interface ArchiveCommandOptions {
  /** Seconds. */
  readonly olderThan?: number | undefined;
  readonly limit?: number | undefined;
  readonly dryRun?: boolean | undefined;
  readonly restore?: boolean | undefined;
}

/** `threadkeep archive`. */
export const archiveCommand: CommandDefinition<ArchiveCommandOptions> = {
  name: "archive",
  group: "Move threads:",
  summary: "move threads to an archive store, or back",
  description:
    "Moves threads to an archive store: a directory or a bucket of S3. Their records stay, so they are found as before. " +
    "A thread comes back when a saver with that archive store uses it, or with --restore. Safe while savers are at work",
  examples: [
    ["archive --older-than 90d --archive-store /var/archive", "for a nightly job"],
    ["archive --older-than 90d --dry-run", "only says which threads would go"],
    ["archive 42 43 --archive-store s3://agents/threads", "some threads, to a bucket"],
    ["archive --restore 42", "back into the database"],
  ],
  configure,
  run,
};

function configure(command: Command): void {
  command
    .argument("[threads...]", "ids of the threads")
    .addOption(
      new Option(
        "--older-than <duration>",
        "threads of which nothing was stored for so long, for example 90d",
      ).argParser((text) => parseDuration("--older-than", text)),
    )
    .addOption(
      new Option("-n, --limit <number>", "at most so many").argParser((text) =>
        parseWholeNumber("--limit", text, { min: 1 }),
      ),
    )
    .option("--dry-run", "only say which threads would go")
    .addOption(
      new Option("--restore", "bring threads back").conflicts(["olderThan", "limit", "dryRun"]),
    );
}

async function run(invocation: Invocation<ArchiveCommandOptions>): Promise<ExitCode> {
  const {
    args: [given = []],
    options: { olderThan, restore },
    connect,
  } = invocation;
  const threadIds = [...new Set(given)];
  if (threadIds.length === 0 && restore === true) throw asUsageError("Name threads to restore.");
  if (threadIds.length === 0 && olderThan === undefined) {
    throw asUsageError("Name threads, or say which: --older-than <duration>.");
  }
  const { saver, settings } = await connect();
  if (!settings.hasArchive) {
    throw asUsageError(
      `There is no archive store. Set ${ENVIRONMENT.archiveStore} to a directory or to s3://bucket/prefix, give ` +
        "--archive-store, or the option archive in the file of --config.",
    );
  }
  await findMissingThreads(saver, threadIds, { isError: true });
  return restore === true
    ? restoreAll(saver, threadIds, invocation)
    : archiveAll(saver, threadIds, invocation);
}

async function archiveAll(
  saver: MongoDBSaver,
  threadIds: readonly string[],
  { options, terminal, present, heedSignals }: Invocation<ArchiveCommandOptions>,
): Promise<ExitCode> {
  const { archiveThreads } = await import("../../transfer/archive-threads.ts");
  const { olderThan, limit, dryRun } = options;
  const which = {
    ...(threadIds.length > 0 && { threadIds }),
    ...(olderThan !== undefined && { olderThanDays: olderThan / 86_400 }),
    limit,
    signal: heedSignals(),
  };
  if (dryRun === true) {
    const planned = await archiveThreads(saver, { ...which, dryRun: true });
    await present({ ...planned, isDryRun: true }, () => {
      for (const threadId of planned.archived) terminal.printLine(threadId);
      terminal.note(`${formatCount(planned.archived.length, "thread")} would go.`);
    });
    return tellSkipped(terminal, planned.skipped);
  }
  // For the bar only: how many there are is known at the end.
  const total = terminal.streams.stderr.isTTY
    ? (await archiveThreads(saver, { ...which, dryRun: true })).archived.length
    : 0;
  const progress = await showProgress(terminal, "threads", total);
  let done = 0;
  const result = await archiveThreads(saver, {
    ...which,
    onProgress: ({ archived }) => {
      progress.advance(archived - done);
      done = archived;
    },
  });
  progress.stop();
  const { archived, skipped, bytes } = result;
  await present({ ...result, isDryRun: false }, () => {
    printFields(terminal, [
      ["Archived", { plain: archived.length, shown: formatCount(archived.length, "thread") }],
      ["Stayed", { plain: skipped.length, shown: formatCount(skipped.length, "thread") }],
      ["Bytes", { plain: bytes, shown: formatBytes(bytes) }],
    ]);
  });
  return tellSkipped(terminal, skipped);
}

const REASONS: Readonly<Record<SkipReason, readonly [why: string, exitCode: ExitCode]>> = {
  damaged: ["damaged (threadkeep verify says how)", EXIT_CODES.damaged],
  "not-found": ["not there any more, or without checkpoints", EXIT_CODES.notFound],
  "not-migrated": ["to be migrated first", EXIT_CODES.refused],
  "in-use": ["being used now", EXIT_CODES.refused],
  archived: ["in the archive store already", EXIT_CODES.done],
};

/** @returns the exit code: the gravest reason says it */
function tellSkipped(terminal: Terminal, skipped: readonly SkippedThread[]): ExitCode {
  let worst: ExitCode = EXIT_CODES.done;
  for (const [reason, [why, exitCode]] of Object.entries(REASONS)) {
    const threadIds = skipped.filter((one) => one.reason === reason).map((one) => one.threadId);
    if (threadIds.length === 0) continue;
    terminal.warn(
      `${formatCount(threadIds.length, "thread")} left, ${why}: ${listSome(threadIds)}`,
    );
    if (worst === EXIT_CODES.done) worst = exitCode;
  }
  return worst;
}

async function restoreAll(
  saver: MongoDBSaver,
  threadIds: readonly string[],
  { terminal, present, heedSignals }: Invocation<ArchiveCommandOptions>,
): Promise<ExitCode> {
  const { restoreThread } = await import("../../transfer/archive-threads.ts");
  const progress = await showProgress(terminal, "threads", threadIds.length);
  const signal = heedSignals();
  const restored: string[] = [];
  const here: string[] = [];
  for (const threadId of threadIds) {
    signal.throwIfAborted();
    ((await restoreThread(saver, threadId)) ? restored : here).push(threadId);
    progress.advance();
  }
  progress.stop();
  await present({ restored, here }, () => {
    terminal.print(`Restored ${formatCount(restored.length, "thread")}.`);
  });
  if (here.length > 0) terminal.note(`Not in the archive store: ${listSome(here)}`);
  return EXIT_CODES.done;
}
