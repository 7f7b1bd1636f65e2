import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { parseWholeNumber } from "../arguments/parse-number.ts";
import type { CommandDefinition, Invocation } from "../command.ts";
import { findMissingThreads } from "../find-threads.ts";
import { toMoment } from "../terminal/moment-cell.ts";
import { printTable, type Cell, type Column } from "../terminal/table.ts";

interface HistoryOptions {
  readonly namespace: string;
  readonly allNamespaces?: boolean | undefined;
  readonly limit: number;
  readonly before?: string | undefined;
}

/** `threadkeep history`. */
export const historyCommand: CommandDefinition<HistoryOptions> = {
  name: "history",
  group: "Look:",
  summary: "list the checkpoints of a thread, the newest first",
  examples: [
    ["history 42", "the last 20 checkpoints"],
    ["history 42 --limit 100 --before 1f0c8a6e-…", "those before a checkpoint"],
    ["history 42 --all-namespaces", "with those of subgraphs"],
  ],
  configure: (command) => {
    command
      .argument("<thread>", "its id")
      .option("--namespace <namespace>", "the namespace of a subgraph", "")
      .option("--all-namespaces", "of all namespaces, by their ids")
      .option(
        "-n, --limit <number>",
        "at most so many",
        (text) => parseWholeNumber("--limit", text, { min: 1 }),
        20,
      )
      .option("--before <checkpoint>", "only those before this checkpoint");
  },
  run,
};

/** What is listed of a checkpoint. */
interface ListedCheckpoint {
  readonly checkpointId: string;
  readonly checkpointNs: string;
  readonly parentCheckpointId: string | undefined;
  readonly createdAt: string;
  readonly step: number | undefined;
  readonly source: string | undefined;
  readonly interrupts: number;
  readonly errors: number;
  readonly pendingWrites: number;
}

async function run({
  args: [thread],
  options: { namespace, allNamespaces, limit, before },
  terminal,
  connect,
  present,
}: Invocation<HistoryOptions>): Promise<void> {
  const threadId = String(thread);
  const { saver } = await connect();
  const isWhole = allNamespaces === true;
  const configurable = { thread_id: threadId, ...(!isWhole && { checkpoint_ns: namespace }) };
  const checkpoints: ListedCheckpoint[] = [];
  const options = {
    limit,
    ...(before !== undefined && { before: { configurable: { checkpoint_id: before } } }),
  };
  for await (const tuple of saver.list({ configurable }, options))
    checkpoints.push(toListed(tuple));
  if (checkpoints.length === 0) await findMissingThreads(saver, [threadId], { isError: true });
  await present({ threadId, checkpoints }, async () => {
    if (checkpoints.length === 0) {
      terminal.note("No checkpoints.");
      return;
    }
    const columns = COLUMNS.slice(0, isWhole ? COLUMNS.length : COLUMNS.length - 1);
    const nowMs = Date.now();
    const rows = checkpoints.map((one) => toRow(one, nowMs).slice(0, columns.length));
    await printTable(terminal, columns, rows);
  });
}

const COLUMNS: readonly Column[] = [
  { title: "Checkpoint" },
  { title: "Step", isNumber: true },
  { title: "Source" },
  { title: "Created" },
  { title: "Pending" },
  { title: "Parent" },
  { title: "Namespace", isWide: true },
];

function toListed({
  config,
  parentConfig,
  checkpoint,
  metadata,
  pendingWrites = [],
}: CheckpointTuple): ListedCheckpoint {
  const count = (wanted: string): number =>
    pendingWrites.filter(([, channel]) => channel === wanted).length;
  return {
    checkpointId: checkpoint.id,
    checkpointNs: String(config.configurable?.["checkpoint_ns"] ?? ""),
    parentCheckpointId: parentConfig?.configurable?.["checkpoint_id"] as string | undefined,
    createdAt: checkpoint.ts,
    step: metadata?.step,
    source: metadata?.source,
    interrupts: count("__interrupt__"),
    errors: count("__error__"),
    pendingWrites: pendingWrites.length,
  };
}

function toRow(listed: ListedCheckpoint, nowMs: number): readonly Cell[] {
  const { checkpointId, step, source, createdAt, parentCheckpointId, checkpointNs } = listed;
  const at = new Date(createdAt);
  return [
    { plain: checkpointId },
    { plain: step },
    { plain: source },
    Number.isNaN(at.getTime()) ? { plain: createdAt } : toMoment(at, nowMs),
    describePending(listed),
    { plain: parentCheckpointId, style: "dim" },
    { plain: checkpointNs },
  ];
}

function describePending({ interrupts, errors, pendingWrites }: ListedCheckpoint): Cell {
  if (errors > 0) return { plain: "error", style: "red" };
  if (interrupts > 0) return { plain: "interrupt", style: "yellow" };
  return { plain: pendingWrites === 0 ? "" : "writes", style: "dim" };
}
