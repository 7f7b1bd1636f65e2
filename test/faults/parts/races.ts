import { setTimeout as sleep } from "node:timers/promises";
import { EVERYTHING, planThreads } from "./mixes.ts";
import type { PartResult, PartSetting } from "./part.ts";
import { runPart } from "./run-part.ts";

const CLIENTS = 8;
const TTL_MS = 1_500;

/** Everything that can be done to a thread is done to a few by many clients at once. */
export function runRaces(setting: PartSetting): Promise<PartResult> {
  const threads = [...planThreads(2), ...planThreads(2, { names: "expiring", ttlMs: TTL_MS })];
  return runPart("races", setting, { threads, mix: EVERYTHING }, async (part) => {
    await Promise.all(Array.from({ length: CLIENTS }, () => part.startClient(setting.uri)));
    part.begin();
    await sleep(part.restMs);
  });
}
