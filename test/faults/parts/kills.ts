import { setTimeout as sleep } from "node:timers/promises";
import { planThreads, WORKING } from "./mixes.ts";
import type { PartResult, PartSetting } from "./part.ts";
import { runPart, type Part } from "./run-part.ts";

const AT_ONCE = 3;
const MAX_CALLS = 40;
const MAX_MORE_MS = 50;

/** Clients that share threads are ended by SIGKILL at any moment, and others come in their place. */
export function runKills(setting: PartSetting): Promise<PartResult> {
  return runPart("kills", setting, { threads: planThreads(4), mix: WORKING }, async (part) => {
    const lifetimes = Array.from({ length: AT_ONCE }, () => killAgainAndAgain(part, setting.uri));
    await Promise.all(lifetimes);
  });
}

async function killAgainAndAgain(part: Part, uri: string): Promise<void> {
  do {
    const client = await part.startClient(uri);
    await part.waitForCalls([client], part.random.between(0, MAX_CALLS));
    await sleep(part.random.between(0, MAX_MORE_MS));
    if (part.isOver) return;
    await client.kill();
    part.count("SIGKILL of a client");
  } while (!part.isOver);
}
