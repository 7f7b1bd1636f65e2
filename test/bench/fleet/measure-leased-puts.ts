import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import {
  makeCheckpoint,
  putCheckpoint,
  threadConfig,
} from "../../checkpoint-mongo/make-checkpoint.ts";
import { quantile } from "./quantile.ts";

/** What a put takes. */
export interface PutCost {
  /** On average. */
  readonly commands: number;
  /** The median. */
  readonly ms: number;
}

/** Puts to two threads in turns, one of them leased, so that whatever else the machine does meets both alike. */
export async function measureLeasedPuts(
  uri: string,
  puts: number,
): Promise<{ readonly free: PutCost; readonly leased: PutCost }> {
  const client = new MongoClient(uri, { monitorCommands: true });
  const saver = new MongoDBSaver({ client, dbName: "bench_fleet_puts" });
  let commands = 0;
  client.on("commandStarted", () => (commands += 1));
  const ways = { free: openWay(saver, "free"), leased: openWay(saver, "leased") };
  const act = async (): Promise<void> => {
    for (let round = -5; round < puts; round += 1) {
      for (const way of round % 2 === 0 ? [ways.free, ways.leased] : [ways.leased, ways.free]) {
        const before = commands;
        const startedMs = performance.now();
        await way.put();
        // The first ones make what is made once.
        if (round < 0) continue;
        way.ms.push(performance.now() - startedMs);
        way.commands += commands - before;
      }
    }
  };
  // Long enough that no renewal comes in between and is counted.
  await saver.withLease("leased", act, { ttlMs: 3_600_000 });
  await client.close();
  const sum = ({ ms, commands: sent }: Way): PutCost => ({
    commands: sent / puts,
    ms: quantile(ms, 0.5),
  });
  return { free: sum(ways.free), leased: sum(ways.leased) };
}

interface Way {
  readonly put: () => Promise<void>;
  readonly ms: number[];
  commands: number;
}

function openWay(saver: MongoDBSaver, threadId: string): Way {
  let config: Parameters<typeof putCheckpoint>[1] = threadConfig(threadId);
  let count = 0;
  return {
    ms: [],
    commands: 0,
    put: async () => {
      count += 1;
      config = await putCheckpoint(
        saver,
        config,
        makeCheckpoint({ count }, { versions: { count } }),
      );
    },
  };
}
