import { setTimeout as sleep } from "node:timers/promises";
import { RestartableServer } from "../../server-restart/restartable-server.ts";
import { planThreads, WORKING } from "./mixes.ts";
import type { PartResult, PartSetting } from "./part.ts";
import { runPart } from "./run-part.ts";

const CLIENTS = 3;
const MAX_CALLS = 120;
const MAX_MORE_MS = 50;
const MAX_DOWN_MS = 600;

/** A server of one's own is ended by SIGKILL at any moment, and started again on what it had stored. */
export async function runServerKills(setting: Omit<PartSetting, "uri">): Promise<PartResult> {
  const server = await RestartableServer.start();
  try {
    const onServer = { ...setting, uri: server.uri };
    const plan = { threads: planThreads(4), mix: WORKING };
    return await runPart("server-kills", onServer, plan, async (part) => {
      const starting = Array.from({ length: CLIENTS }, () => part.startClient(server.uri));
      const clients = await Promise.all(starting);
      part.begin();
      while (!part.isOver) {
        await part.waitForCalls(clients, part.random.between(1, MAX_CALLS));
        await sleep(part.random.between(0, MAX_MORE_MS));
        await server.kill();
        await sleep(part.random.between(0, MAX_DOWN_MS));
        await server.restart();
        part.count("SIGKILL of the server");
      }
    });
  } finally {
    await server.remove();
  }
}
