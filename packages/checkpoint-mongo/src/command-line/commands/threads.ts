import { Option, type Command } from "commander";
import { collect } from "../arguments/collect.ts";
import { parseMetadata } from "../arguments/parse-metadata.ts";
import { parseMoment } from "../arguments/parse-moment.ts";
import { parseWholeNumber } from "../arguments/parse-number.ts";
import type { CommandDefinition, Invocation } from "../command.ts";
import { toMoment } from "../terminal/moment-cell.ts";
import { STATUS_STYLES } from "../terminal/status-styles.ts";
import { printTable, type Cell, type Column } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { ThreadFilter, ThreadSearch } from "../../thread-index/search-options.ts";
import type { ThreadPage, ThreadStatus, ThreadSummary } from "../../thread-index/thread.ts";

interface ThreadsOptions {
  readonly status?: ThreadStatus | undefined;
  readonly metadata?: readonly string[] | undefined;
  readonly updatedAfter?: string | undefined;
  readonly sort: "updated" | "created";
  readonly oldestFirst?: boolean | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly count?: boolean | undefined;
}

/** `threadkeep threads`. */
export const threadsCommand: CommandDefinition<ThreadsOptions> = {
  name: "threads",
  group: "Look:",
  summary: "list threads, the latest update first",
  examples: [
    ["threads", "the 20 threads that were updated last"],
    ["threads --status error --updated-after 2h", "threads that failed in the last two hours"],
    ["threads --metadata user=ada --metadata plan=3", "by the metadata of threads.update"],
    ["threads --status interrupted --count", "only how many wait for an answer"],
  ],
  configure,
  run,
};

const STATUSES: readonly ThreadStatus[] = ["idle", "busy", "interrupted", "error", "expired"];

function configure(command: Command): void {
  command
    .addOption(
      new Option("-s, --status <status>", "only threads that stand there").choices(STATUSES),
    )
    .option(
      "-m, --metadata <key=value>",
      "only threads with this metadata; may be repeated",
      collect,
    )
    .option(
      "--updated-after <time>",
      "only threads updated since: a date, or 2h, 7d for so long ago",
    )
    .addOption(
      new Option("--sort <by>", "which moment counts")
        .choices(["updated", "created"])
        .default("updated"),
    )
    .option("--oldest-first", "the other way round")
    .option(
      "-n, --limit <number>",
      "at most so many, up to 1,000",
      (text) => parseWholeNumber("--limit", text, { min: 1, max: 1_000 }),
      20,
    )
    .option("--cursor <cursor>", "go on where a page ended")
    .option("-c, --count", "only count them");
}

async function run({
  options,
  terminal,
  connect,
  present,
}: Invocation<ThreadsOptions>): Promise<void> {
  const nowMs = Date.now();
  const { status, metadata, updatedAfter } = options;
  const filter: ThreadFilter = {
    status,
    metadata: metadata && parseMetadata("--metadata", metadata),
    updatedAfter:
      updatedAfter === undefined ? undefined : parseMoment("--updated-after", updatedAfter, nowMs),
  };
  const { saver } = await connect();
  if (options.count === true) {
    const count = await saver.threads.count(filter);
    await present({ count }, () => terminal.print(String(count)));
    return;
  }
  const { sort, oldestFirst, limit, cursor } = options;
  const search: ThreadSearch = {
    ...filter,
    sort: {
      by: sort === "created" ? "createdAt" : "updatedAt",
      order: oldestFirst === true ? "asc" : "desc",
    },
    limit,
    cursor,
  };
  const page = await saver.threads.search(search);
  await present(page, () => show(terminal, page, nowMs));
}

async function show(
  terminal: Terminal,
  { threads, cursor }: ThreadPage,
  nowMs: number,
): Promise<void> {
  if (threads.length === 0) {
    terminal.note("No threads.");
    return;
  }
  const hasMetadata = threads.some(({ metadata }) => Object.keys(metadata).length > 0);
  const count = hasMetadata || !terminal.isTerminal ? COLUMNS.length : COLUMNS.length - 1;
  await printTable(
    terminal,
    COLUMNS.slice(0, count),
    threads.map((thread) => toRow(thread, nowMs).slice(0, count)),
  );
  if (cursor !== undefined && terminal.isTerminal) {
    terminal.note(terminal.styleError("dim", `More may follow: --cursor ${cursor}`));
  }
}

const COLUMNS: readonly Column[] = [
  { title: "Thread", isWide: true },
  { title: "Status" },
  { title: "Step", isNumber: true },
  { title: "Updated" },
  { title: "Created" },
  { title: "Metadata", isWide: true },
];

function toRow(thread: ThreadSummary, nowMs: number): readonly Cell[] {
  const { threadId, status, step, updatedAt, createdAt, archivedAt, metadata } = thread;
  const entries = Object.entries(metadata);
  return [
    { plain: threadId },
    {
      plain: status,
      shown: archivedAt === undefined ? status : `${status}, archived`,
      style: STATUS_STYLES[status],
    },
    { plain: step },
    toMoment(updatedAt, nowMs),
    toMoment(createdAt, nowMs),
    {
      plain: JSON.stringify(metadata),
      shown: entries
        .map(
          ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
        )
        .join(" "),
      style: "dim",
    },
  ];
}
