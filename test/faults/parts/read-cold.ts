import type { MongoClient } from "mongodb";
import { openSavers } from "../clients/open-savers.ts";
import { COLD_READER, type PlannedThread } from "../history/history.ts";
import { Recorder } from "../history/recorder.ts";

/** How many checkpoints of a namespace are also read by their ids. */
const BY_ID = 100;

/** Reads all that there is in the end, by a client that nothing is remembered for, and verifies it. */
export async function readCold(
  client: MongoClient,
  run: {
    readonly dbName: string;
    readonly directory: string;
    readonly threads: readonly PlannedThread[];
  },
): Promise<void> {
  const { dbName, directory, threads } = run;
  const savers = openSavers(client, dbName, threads, new Recorder(directory, COLD_READER));
  for (const { thread, namespaces } of threads) {
    const saver = savers.get(thread)!;
    // What any of these throws is recorded, and for the checker to judge.
    await saver.verifyThread(thread).catch(() => undefined);
    for (const namespace of namespaces) {
      const place = { thread, namespace };
      const ids = await saver.list(place, null).catch(() => []);
      await saver.getTuple(place, null).catch(() => undefined);
      const step = Math.ceil(ids.length / BY_ID);
      for (const id of ids.filter((_, index) => index % step === 0)) {
        await saver.getTuple(place, id).catch(() => undefined);
      }
    }
  }
}
