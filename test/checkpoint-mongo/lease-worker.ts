/** A process that counts up in a thread, in the way that it is told. */
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";

/** How a worker makes sure that no other one gets in between. */
export type Way = "lease" | "compare-and-set" | "reject";

/** What a worker is to do. */
export interface WorkOrder {
  readonly uri: string;
  readonly dbName: string;
  readonly threadId: string;
  readonly way: Way;
  readonly times: number;
  readonly ttlMs: number;
  /** Whether to say so at the beginning of each lease, and to wait until the process may have been stopped. */
  readonly tells: boolean;
}

/** What a worker did, as it tells. */
export interface WorkReport {
  /** Milliseconds that each increment took, with its wait. */
  readonly durations: readonly number[];
  /** The tokens of its leases. */
  readonly tokens: readonly number[];
  /** How often it was refused, by the code of the error. */
  readonly refused: Readonly<Record<string, number>>;
}

process.once("message", (order: WorkOrder) => {
  void work(order).then((report) => process.send?.(report, () => process.exit(0)));
});

async function work({
  uri,
  dbName,
  threadId,
  way,
  times,
  ttlMs,
  tells,
}: WorkOrder): Promise<WorkReport> {
  const client = new MongoClient(uri);
  const concurrency = way === "reject" ? "reject" : "fork";
  const saver = new MongoDBSaver({ client, dbName, concurrency });
  const durations: number[] = [];
  const tokens: number[] = [];
  const refused: Record<string, number> = {};
  const increment = async (): Promise<void> => {
    const tuple = await saver.getTuple(threadConfig(threadId));
    const count = ((tuple?.checkpoint.channel_values["count"] as number | undefined) ?? 0) + 1;
    const checkpoint = makeCheckpoint({ count }, { versions: { count } });
    await putCheckpoint(saver, tuple?.config ?? threadConfig(threadId), checkpoint);
  };
  const ways: Readonly<Record<Way, () => Promise<unknown>>> = {
    lease: () =>
      saver.withLease(
        threadId,
        async ({ token }) => {
          tokens.push(token);
          if (tells) {
            process.send?.("holds");
            await sleep(50);
          }
          await increment();
        },
        { ttlMs, waitMs: 600_000 },
      ),
    "compare-and-set": () =>
      saver.update(threadId, ({ count = 0 }) => ({ count: (count as number) + 1 }), {
        retries: 1_000,
      }),
    reject: increment,
  };
  for (let time = 0; time < times; time += 1) {
    const startMs = performance.now();
    for (;;) {
      try {
        await ways[way]();
        break;
      } catch (error) {
        // Whoever was refused has changed nothing, and does it again.
        const { code } = error as { readonly code?: string };
        if (code !== "CONCURRENT_UPDATE" && code !== "LEASE_LOST") throw error;
        refused[code] = (refused[code] ?? 0) + 1;
      }
    }
    durations.push(performance.now() - startMs);
  }
  await client.close();
  return { durations, tokens, refused };
}
