import { setTimeout as sleep } from "node:timers/promises";
import { CUTS, NetworkProxy } from "../../network/network-proxy.ts";
import { planThreads, WORKING } from "./mixes.ts";
import type { PartResult, PartSetting } from "./part.ts";
import { runPart, type Part } from "./run-part.ts";

const CLIENTS = 3;
const MAX_CALLS = 40;
const CUT_WITHIN_MS = 2_000;

/** Clients reach the server by a network that fails in every way. */
export function runNetwork(setting: PartSetting): Promise<PartResult> {
  return runPart("network", setting, { threads: planThreads(4), mix: WORKING }, async (part) => {
    await using proxy = await NetworkProxy.start(setting.uri);
    const starting = Array.from({ length: CLIENTS }, () => part.startClient(proxy.uri));
    const clients = await Promise.all(starting);
    part.begin();
    // Each kind comes in its turn, so that a short run has all of them too.
    for (let turn = part.random.between(0, faults.length); !part.isOver; turn += 1) {
      await part.waitForCalls(clients, part.random.between(1, MAX_CALLS));
      await faults[turn % faults.length]!(part, proxy);
    }
    // The calls under way end on a network that works.
    proxy.setLatency(0);
    await part.stopClients();
  });
}

const faults: readonly ((part: Part, proxy: NetworkProxy) => Promise<void>)[] = [
  ...CUTS.map((cut) => async (part: Part, proxy: NetworkProxy) => {
    // Clients may be held up by what came before.
    let happened = false;
    while (!happened && !part.isOver) happened = await proxy.cutAtStore(cut, CUT_WITHIN_MS);
    if (happened) part.count(cut);
  }),
  async (part, proxy) => {
    if (proxy.reset() > 0) part.count("reset");
  },
  async (part, proxy) => {
    await proxy.pause(part.random.between(100, 1_000));
    part.count("pause");
  },
  async (part, proxy) => {
    if (proxy.forget() > 0) part.count("half-open");
  },
  async (part, proxy) => {
    proxy.setLatency(part.random.between(2, 40));
    await sleep(part.random.between(100, 600));
    proxy.setLatency(0);
    part.count("latency");
  },
];
