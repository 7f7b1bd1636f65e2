import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { CommandDefinition, Invocation } from "../command.ts";
import { asUsageError } from "../command-line-error.ts";
import { explainFileFailure } from "../file-failure.ts";
import { formatBytes } from "../terminal/format-bytes.ts";
import { formatCount } from "../terminal/format-count.ts";
import { showProgress, type Progress } from "../terminal/progress.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface ImportCommandOptions {
  readonly as?: string | undefined;
}

/** `threadkeep import`. */
export const importCommand: CommandDefinition<ImportCommandOptions> = {
  name: "import",
  group: "Move threads:",
  summary: "store a thread that export wrote",
  description:
    "Stores a thread that export wrote, compressed or not. Without a file, or with -, it is read from the standard " +
    "input. All of it is verified before any of it can be seen. A thread that is there is not imported over",
  examples: [
    ["import 42.jsonl.zst", "under the id that it had"],
    ["import 42.jsonl --as 42-copy", "under another id"],
    ["import < 42.jsonl", "from a pipe"],
  ],
  configure: (command) => {
    command
      .argument("[file]", "what export wrote; - is the standard input")
      .option("--as <thread>", "the id that the thread gets");
  },
  run,
};

async function run({
  args: [source = "-"],
  options,
  terminal,
  connect,
  present,
  heedSignals,
}: Invocation<ImportCommandOptions>): Promise<void> {
  const file = source === "-" ? undefined : String(source);
  if (file === undefined && terminal.streams.stdin.isTTY) {
    throw asUsageError("Name a file, or pipe an archive in: threadkeep import < 42.jsonl");
  }
  const { saver } = await connect();
  const progress = await showBytes(terminal, file);
  const { importThread } = await import("../../transfer/import-thread.ts");
  const stream = file === undefined ? terminal.streams.stdin : createReadStream(file);
  const result = await importThread(saver, countBytes(stream, progress), {
    threadId: options.as,
    signal: heedSignals(),
  }).catch((error: unknown) => {
    throw file === undefined ? error : explainFileFailure(error, "read", file);
  });
  progress.stop();
  await present(result, () => {
    const { threadId, checkpoints, bytes } = result;
    terminal.print(
      `Imported thread ${JSON.stringify(threadId)}: ${formatCount(checkpoints, "checkpoint")}, ${formatBytes(bytes)}.`,
    );
  });
}

async function showBytes(terminal: Terminal, file: string | undefined): Promise<Progress> {
  if (file === undefined) return showProgress(terminal, "", 0);
  const { size } = await stat(file).catch((error: unknown) => {
    throw explainFileFailure(error, "read", file);
  });
  return showProgress(terminal, "", size, formatBytes);
}

async function* countBytes(
  source: AsyncIterable<Uint8Array>,
  progress: Progress,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    yield chunk;
    progress.advance(chunk.byteLength);
  }
}
