import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { CommandDefinition, Invocation } from "../command.ts";
import { asNotFound } from "../command-line-error.ts";
import { asMissingThreads } from "../find-threads.ts";
import { printFields } from "../terminal/fields.ts";
import { formatBytes } from "../terminal/format-bytes.ts";
import { formatCount, formatNumber } from "../terminal/format-count.ts";
import { toMoment } from "../terminal/moment-cell.ts";
import { previewValue } from "../terminal/preview-value.ts";
import { STATUS_STYLES } from "../terminal/status-styles.ts";
import { printTable, type Cell } from "../terminal/table.ts";
import { escapeControls } from "../terminal/escape-controls.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { stringify } from "../terminal/to-json.ts";
import type { ThreadDetails } from "../../thread-index/thread.ts";

interface ShowOptions {
  readonly namespace: string;
  readonly channel?: string | undefined;
  readonly sizes?: boolean | undefined;
}

/** `threadkeep show`. */
export const showCommand: CommandDefinition<ShowOptions> = {
  name: "show",
  group: "Look:",
  summary: "show where a thread stands, and its state",
  description:
    "Shows what is known of a thread, what it waits for, and the state of its latest checkpoint or of another one. " +
    "An archived thread stays archived, unless a checkpoint, a channel or sizes are asked for",
  examples: [
    ["show 42", "the thread and its latest state"],
    ["show 42 1f0c8a6e-…", "the state at one of its checkpoints; history lists them"],
    ["show 42 --channel messages", "the whole value of a channel, as JSON"],
    ["show 42 --sizes", "with the bytes of each channel; reads all checkpoints"],
  ],
  configure: (command) => {
    command
      .argument("<thread>", "its id")
      .argument("[checkpoint]", "the id of a checkpoint")
      .option("--namespace <namespace>", "the namespace of a subgraph", "")
      .option("--channel <name>", "print the whole value of this channel, as JSON")
      .option("--sizes", "measure each channel over all checkpoints");
  },
  run,
};

/** A preview never takes more memory than the terminal shows. */
const PREVIEW_LENGTH = 400;

async function run({
  args: [thread, checkpoint],
  options: { namespace, channel, sizes },
  terminal,
  connect,
  present,
}: Invocation<ShowOptions>): Promise<void> {
  const threadId = String(thread);
  const { saver } = await connect();
  const configurable = {
    thread_id: threadId,
    checkpoint_ns: namespace,
    ...(typeof checkpoint === "string" && { checkpoint_id: checkpoint }),
  };
  const isStateAsked = typeof checkpoint === "string" || channel !== undefined;
  const details = await saver.threads.get(threadId, { channels: sizes === true });
  const isAway = details?.archivedAt !== undefined && !isStateAsked;
  const tuple = isAway ? undefined : await saver.getTuple({ configurable });
  if (details === undefined && tuple === undefined) throw asMissingThreads([threadId]);
  if (tuple === undefined && typeof checkpoint === "string") {
    throw asNotFound(
      `Thread ${JSON.stringify(threadId)} has no checkpoint ${JSON.stringify(checkpoint)}` +
        `${namespace === "" ? "" : ` in namespace ${JSON.stringify(namespace)}`}. ` +
        `\`threadkeep history ${threadId}\` lists those that it has.`,
    );
  }
  const values = tuple?.checkpoint.channel_values ?? {};
  if (channel !== undefined) {
    if (!Object.hasOwn(values, channel)) {
      throw asNotFound(
        `There is no channel ${JSON.stringify(channel)} in this checkpoint, only ${Object.keys(values).join(", ")}.`,
      );
    }
    terminal.print(stringify(values[channel]));
    return;
  }
  const result = { thread: details ?? { threadId, storedBy: "official" }, checkpoint: tuple };
  await present(result, async () => {
    if (details === undefined) showOfficial(terminal, threadId);
    else showThread(terminal, details);
    if (tuple !== undefined) await showState(terminal, tuple, details);
    if (isAway) {
      terminal.note(
        `Its state is in the archive store. threadkeep archive --restore ${escapeControls(threadId)} brings it back.`,
      );
    }
  });
}

function showOfficial(terminal: Terminal, threadId: string): void {
  printFields(terminal, [
    ["Thread", { plain: threadId }],
    ["Stored by", { plain: "@langchain/langgraph-checkpoint-mongodb" }],
  ]);
}

function showThread(terminal: Terminal, details: ThreadDetails): void {
  const { threadId, status, step, createdAt, updatedAt, archivedAt, expiresAt, metadata } = details;
  const { checkpoints, bytes, interrupts, error } = details;
  const nowMs = Date.now();
  const hasMetadata = Object.keys(metadata).length > 0;
  printFields(terminal, [
    ["Thread", { plain: threadId, style: "bold" }],
    ["Status", { plain: status, style: STATUS_STYLES[status] }],
    ["Step", { plain: step }],
    ["Created", toMoment(createdAt, nowMs)],
    ["Updated", toMoment(updatedAt, nowMs)],
    ["Archived", toMoment(archivedAt, nowMs)],
    ["Expires", expiresAt === undefined ? { plain: "never" } : toMoment(expiresAt, nowMs)],
    ["Checkpoints", { plain: checkpoints, shown: formatNumber(checkpoints) }],
    ["Stored", { plain: bytes, shown: formatBytes(bytes) }],
    ["Metadata", { plain: hasMetadata ? JSON.stringify(metadata) : undefined }],
    ...interrupts.map(({ value }): readonly [string, Cell] => [
      "Waits for",
      { plain: previewValue(readInterrupt(value), PREVIEW_LENGTH), style: "yellow" },
    ]),
    [
      "Error",
      error === undefined
        ? { plain: undefined }
        : { plain: previewValue(error, PREVIEW_LENGTH), style: "red" },
    ],
  ]);
}

/** LangGraph stores what was given to `interrupt()` under `value`. */
function readInterrupt(value: unknown): unknown {
  return typeof value === "object" && value !== null && "value" in value ? value.value : value;
}

async function showState(
  terminal: Terminal,
  { checkpoint, metadata, pendingWrites = [] }: CheckpointTuple,
  details: ThreadDetails | undefined,
): Promise<void> {
  const { source, step } = metadata ?? {};
  const of = [
    source === undefined ? "" : `, ${source} ${step}`,
    pendingWrites.length === 0 ? "" : `, ${formatCount(pendingWrites.length, "pending write")}`,
  ].join("");
  if (terminal.isTerminal) {
    terminal.print("");
    terminal.print(`${terminal.style("bold", "State")} at checkpoint ${checkpoint.id}${of}`);
  } else {
    printFields(terminal, [["Checkpoint", { plain: checkpoint.id }]]);
  }
  const sizes = details?.channels;
  const ofSizes = sizes === undefined ? [] : [{ title: "Stored", isNumber: true }];
  await printTable(
    terminal,
    [{ title: "Channel" }, ...ofSizes, { title: "Value", isWide: true }],
    Object.entries(checkpoint.channel_values).map(([name, value]) => {
      const preview = { plain: previewValue(value, PREVIEW_LENGTH) };
      if (sizes === undefined) return [{ plain: name }, preview];
      const bytes = sizes[name] ?? 0;
      return [{ plain: name }, { plain: bytes, shown: formatBytes(bytes) }, preview];
    }),
  );
}
