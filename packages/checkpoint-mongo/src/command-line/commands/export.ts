import { Option, type Command } from "commander";
import { stat } from "node:fs/promises";
import type { CommandDefinition, Invocation } from "../command.ts";
import { asUsageError } from "../command-line-error.ts";
import type { Session } from "../connection/session.ts";
import { explainFileFailure } from "../file-failure.ts";
import { confirm } from "../terminal/ask.ts";
import { formatBytes } from "../terminal/format-bytes.ts";
import { formatCount } from "../terminal/format-count.ts";
import { showProgress, type Progress } from "../terminal/progress.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { ExportOptions } from "../../transfer/export-thread.ts";

interface ExportCommandOptions {
  readonly compress?: Compression | undefined;
  readonly yes?: boolean | undefined;
}

type Compression = NonNullable<ExportOptions["compression"]>;

/** How the names of compressed files end. */
const BY_ENDING: readonly (readonly [RegExp, Compression])[] = [
  [/\.gz$/i, "gzip"],
  [/\.zst$/i, "zstd"],
];

/** `threadkeep export`. */
export const exportCommand: CommandDefinition<ExportCommandOptions> = {
  name: "export",
  group: "Move threads:",
  summary: "write a thread to a file or a pipe",
  description:
    "Writes a thread as lines of JSON that verify themselves: its checkpoints, pending writes, labels and metadata. " +
    "Without a file, or with -, they go to the standard output. A file appears when it is complete",
  examples: [
    ["export 42 42.jsonl", "to a file"],
    ["export 42 42.jsonl.zst", "compressed, as its name says"],
    ["export 42 | threadkeep import --db staging", "into another database"],
  ],
  configure,
  run,
};

function configure(command: Command): void {
  command
    .argument("<thread>", "its id")
    .argument("[file]", "a new file; - is the standard output")
    .addOption(
      new Option(
        "--compress <how>",
        "how to compress it; by default as the name of the file ends: .gz, .zst",
      ).choices(["none", "gzip", "zstd"] satisfies Compression[]),
    )
    .option("-y, --yes", "replace a file without asking");
}

async function run({
  args: [thread, target = "-"],
  options,
  terminal,
  connect,
  present,
  heedSignals,
}: Invocation<ExportCommandOptions>): Promise<void> {
  const threadId = String(thread);
  const file = target === "-" ? undefined : String(target);
  const [, byEnding] = BY_ENDING.find(([ending]) => file !== undefined && ending.test(file)) ?? [];
  const compression = options.compress ?? byEnding ?? "none";
  if (file === undefined && compression !== "none" && terminal.isTerminal) {
    throw asUsageError("Compressed bytes are nothing for a terminal: name a file, or use a pipe.");
  }
  const session = await connect();
  if (file !== undefined) await askToReplace(terminal, file, options);
  const { exportThread } = await import("../../transfer/export-thread.ts");
  const progress = await showLines(terminal, session, threadId, file);
  let lines = 0;
  const result = await exportThread(session.saver, threadId, file ?? terminal.streams.stdout, {
    compression,
    signal: heedSignals(),
    onProgress: (now) => {
      progress.advance(now.lines - lines);
      ({ lines } = now);
    },
  }).catch((error: unknown) => {
    throw file === undefined ? error : explainFileFailure(error, "write", file);
  });
  progress.stop();
  const { checkpoints, bytes } = result;
  const summary = `Exported ${formatCount(checkpoints, "checkpoint")}, ${formatBytes(bytes)}.`;
  if (file !== undefined) {
    await present({ ...result, file }, () => terminal.print(summary));
  } else if (options.json === true) {
    // The archive itself has the standard output.
    terminal.note(JSON.stringify(result));
  } else if (!terminal.isTerminal) {
    terminal.note(summary);
  }
}

async function askToReplace(
  terminal: Terminal,
  file: string,
  options: ExportCommandOptions,
): Promise<void> {
  const found = await stat(file).catch((error: unknown) => {
    if ((error as { readonly code?: unknown }).code === "ENOENT") return undefined;
    throw explainFileFailure(error, "write", file);
  });
  if (found === undefined) return;
  if (found.isDirectory()) {
    throw asUsageError(`Cannot write ${JSON.stringify(file)}: it is a directory.`);
  }
  await confirm(terminal, `Replace the file ${JSON.stringify(file)}?`, options);
}

/** A bar of the documents of the thread, about one a line. Counting them is one command. */
async function showLines(
  terminal: Terminal,
  { client, settings: { databaseName, collectionName } }: Session,
  threadId: string,
  file: string | undefined,
): Promise<Progress> {
  // On a terminal that the archive itself goes to, a bar would be in its way.
  const isSeen = terminal.streams.stderr.isTTY && (file !== undefined || !terminal.isTerminal);
  const total = isSeen
    ? await client
        .db(databaseName)
        .collection(collectionName)
        .countDocuments({ thread_id: threadId })
    : 0;
  return showProgress(terminal, "documents", total);
}
