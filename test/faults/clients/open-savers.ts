import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import type { MongoClient } from "mongodb";
import type { PlannedThread } from "../history/history.ts";
import type { Recorder } from "../history/recorder.ts";
import { RecordedSaver } from "./recorded-saver.ts";

/** The saver to use for each thread: those that expire have one with their TTL. */
export function openSavers(
  client: MongoClient,
  dbName: string,
  threads: readonly PlannedThread[],
  recorder: Recorder,
): ReadonlyMap<string, RecordedSaver> {
  const open = (ttlMs: number | undefined): RecordedSaver => {
    const ttl = ttlMs === undefined ? undefined : ttlMs / 1_000;
    // A short grace, so that the server deletes what has expired while others still use it.
    const saver = new MongoDBSaver({ client, dbName, ttl, ttlGraceSeconds: 1 });
    return new RecordedSaver(saver, recorder);
  };
  return new Map(threads.map(({ thread, ttlMs }) => [thread, open(ttlMs)]));
}
