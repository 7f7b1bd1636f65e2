import type { CommandDefinition, Invocation } from "../command.ts";
import { measureCollection, type CollectionSize } from "../measure-collection.ts";
import { formatBytes } from "../terminal/format-bytes.ts";
import { formatNumber } from "../terminal/format-count.ts";
import { printFields } from "../terminal/fields.ts";
import { STATUS_STYLES } from "../terminal/status-styles.ts";
import type { Cell } from "../terminal/table.ts";
import type { ThreadStatus } from "../../thread-index/thread.ts";

/** `threadkeep stats`. */
export const statsCommand: CommandDefinition = {
  name: "stats",
  group: "Look:",
  summary: "count threads by status, and measure the collection",
  examples: [
    ["stats", "the whole collection"],
    ["stats --json", "the same for a program, for example a dashboard"],
  ],
  run,
};

const STATUSES: readonly ThreadStatus[] = ["idle", "busy", "interrupted", "error", "expired"];

async function run({ terminal, connect, present }: Invocation<object>): Promise<void> {
  const { saver, client, settings } = await connect();
  const { databaseName, collectionName } = settings;
  const counts = await Promise.all(
    STATUSES.map(async (status) => [status, await saver.threads.count({ status })] as const),
  );
  const total = await saver.threads.count();
  const size = await measureCollection(client.db(databaseName), collectionName);
  const result = {
    database: databaseName,
    collection: collectionName,
    threads: { total, ...Object.fromEntries(counts) },
    ...size,
  };
  await present(result, () => {
    printFields(terminal, [
      ["Collection", { plain: `${databaseName}.${collectionName}` }],
      ["Threads", { plain: total, shown: formatNumber(total) }],
      ...counts
        .filter(([, count]) => count > 0 || !terminal.isTerminal)
        .map(([status, count]): readonly [string, Cell] => [
          `  ${status}`.slice(terminal.isTerminal ? 0 : 2),
          { plain: count, shown: formatNumber(count), style: STATUS_STYLES[status] },
        ]),
      ...describeSize(size, total),
    ]);
  });
}

function describeSize(
  { documents, dataBytes, storageBytes, indexBytes }: CollectionSize,
  threads: number,
): readonly (readonly [string, Cell])[] {
  const toBytes = (bytes: number | undefined): Cell => ({
    plain: bytes,
    shown: bytes === undefined ? undefined : formatBytes(bytes),
  });
  return [
    [
      "Documents",
      { plain: documents, shown: documents === undefined ? undefined : formatNumber(documents) },
    ],
    ["Data", toBytes(dataBytes)],
    ["On disk", toBytes(storageBytes)],
    ["Indexes", toBytes(indexBytes)],
    [
      "A thread has",
      toBytes(
        dataBytes === undefined || threads === 0 ? undefined : Math.round(dataBytes / threads),
      ),
    ],
  ];
}
