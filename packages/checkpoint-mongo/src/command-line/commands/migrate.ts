import { Option, type Command } from "commander";
import { parseWholeNumber } from "../arguments/parse-number.ts";
import { YES_OPTION, type CommandDefinition, type Invocation } from "../command.ts";
import type { SessionSettings } from "../connection/session.ts";
import { describeFailure } from "../describe-failure.ts";
import { EXIT_CODES, type ExitCode } from "../exit-codes.ts";
import { confirm } from "../terminal/ask.ts";
import { escapeControls } from "../terminal/escape-controls.ts";
import { printFields } from "../terminal/fields.ts";
import { formatCount, formatNumber } from "../terminal/format-count.ts";
import { loadProgress, type Progress, type StartProgress } from "../terminal/progress.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { MigrationProgress, MigrationResult } from "../../migrate/migrate.ts";

interface MigrateCommandOptions {
  readonly dryRun?: boolean | undefined;
  readonly dropSource?: boolean | undefined;
  readonly concurrency?: number | undefined;
  readonly yes?: boolean | undefined;
}

/** `threadkeep migrate`. */
export const migrateCommand: CommandDefinition<MigrateCommandOptions> = {
  name: "migrate",
  group: "Move threads:",
  summary: "take over threads of the official saver",
  description:
    "Moves threads that @langchain/langgraph-checkpoint-mongodb has stored into the collection of this saver, which " +
    "reads them in place until then. Each checkpoint is read by both and compared. May be ended and run again. The " +
    "originals stay until --drop-source. The official saver must no longer write",
  examples: [
    ["migrate --dry-run", "reads everything, and changes nothing"],
    ["migrate", "all threads; the originals stay"],
    ["migrate --drop-source", "and then removes the originals of those that read the same"],
    ["migrate 42 43", "only these"],
  ],
  configure,
  run,
};

function configure(command: Command): void {
  command
    .argument("[threads...]", "ids of the threads; without them, all")
    .option("--dry-run", "only read, and say what would be moved and what cannot be read")
    .option("--drop-source", "remove the originals of threads that read the same from both")
    .addOption(
      new Option("--concurrency <number>", "threads that are moved at once (default: 4)").argParser(
        (text) => parseWholeNumber("--concurrency", text, { min: 1, max: 64 }),
      ),
    )
    .option(...YES_OPTION);
}

async function run({
  args: [given = []],
  options,
  terminal,
  connect,
  present,
  heedSignals,
}: Invocation<MigrateCommandOptions>): Promise<ExitCode> {
  const threadIds = [...new Set(given)];
  const { saver, settings } = await connect();
  const { dryRun, dropSource, concurrency } = options;
  if (dropSource === true && dryRun !== true) {
    await confirm(terminal, askToDrop(settings, threadIds), options);
  }
  const { migrate } = await import("../../migrate/migrate.ts");
  const bars = new MigrationBars(await loadProgress(terminal));
  const result = await migrate(saver, {
    dryRun,
    dropSource,
    ...(concurrency !== undefined && { concurrency }),
    ...(threadIds.length > 0 && { threadIds }),
    signal: heedSignals(),
    onProgress: (progress) => bars.show(progress),
  });
  bars.stop();
  const failed = result.failed.map(({ threadId, error }) => {
    const { code, message, exitCode } = describeFailure(error, []);
    return { threadId, error: { code, message, exitCode } };
  });
  await present({ ...result, failed }, () => show(terminal, result));
  if (result.threads === 0 && threadIds.length === 0) {
    terminal.note(
      `There are no threads of the official saver in ${settings.databaseName}.${settings.official.checkpoints}. ` +
        "--db and --checkpoint-collection say where else they may be.",
    );
  }
  for (const { threadId, error } of failed) {
    terminal.warn(`${escapeControls(threadId)}: ${escapeControls(error.message)}`);
  }
  if (failed.length === 0) return EXIT_CODES.done;
  const isMissing = failed.every(({ error }) => error.exitCode === EXIT_CODES.notFound);
  return isMissing ? EXIT_CODES.notFound : EXIT_CODES.damaged;
}

function askToDrop({ official }: SessionSettings, threadIds: readonly string[]): string {
  const whose = threadIds.length === 0 ? "all threads" : formatCount(threadIds.length, "thread");
  return (
    `Move ${whose}, and remove the originals of those that read the same from ${official.checkpoints} and ` +
    `${official.writes}? What is removed cannot be brought back for the official saver.`
  );
}

function show(terminal: Terminal, result: MigrationResult): void {
  const { threads, migrated, alreadyThere, checkpoints, dropped, failed, isDryRun } = result;
  const count = (number: number) => ({ plain: number, shown: formatNumber(number) });
  printFields(terminal, [
    ["Threads", count(threads)],
    [isDryRun ? "To move" : "Moved", count(migrated)],
    ["Moved before", count(alreadyThere)],
    ["Checkpoints", count(checkpoints)],
    ["Originals removed", count(dropped)],
    ["Failed", count(failed.length)],
  ]);
}

/** A bar for each phase, of the checkpoints: threads may be of any length. */
class MigrationBars {
  readonly #start: StartProgress;
  #phase: MigrationProgress["phase"] | undefined;
  #bar: Progress | undefined;
  #checkpoints = 0;

  constructor(start: StartProgress) {
    this.#start = start;
  }

  show({ phase, checkpoints, checkpointsTotal }: MigrationProgress): void {
    if (phase !== this.#phase) {
      this.stop();
      this.#phase = phase;
      this.#checkpoints = 0;
      const what = phase === "drop" ? "originals compared and removed" : "checkpoints";
      this.#bar = this.#start(what, checkpointsTotal);
    }
    this.#bar?.advance(checkpoints - this.#checkpoints);
    this.#checkpoints = checkpoints;
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
