import type { Plan } from "../history/history.ts";
import { runKills } from "./kills.ts";
import { runLeases } from "./leases.ts";
import { runNetwork } from "./network.ts";
import type { PartResult, PartSetting } from "./part.ts";
import { runRaces } from "./races.ts";
import { runServerKills } from "./server-kills.ts";

export type PartName = Plan["part"];

/** All parts of the harness, by name, with what each does. */
export const parts: Readonly<
  Record<PartName, { readonly does: string; run(setting: PartSetting): Promise<PartResult> }>
> = {
  kills: { does: "client processes are ended by SIGKILL at any moment", run: runKills },
  "server-kills": {
    does: "the server is ended by SIGKILL and started again on the same data",
    run: runServerKills,
  },
  network: {
    does: "latency, resets, lost and cut requests and replies, half-open connections",
    run: runNetwork,
  },
  races: {
    does: "puts, reads, deletions, sweeps, expiry and verification by 8 processes on a few threads",
    run: runRaces,
  },
  leases: {
    does: "8 processes with wrong clocks count up under a lease, and are stopped, cut off and killed",
    run: (setting) => runLeases(setting),
  },
};

export const PART_NAMES: readonly PartName[] = Object.keys(parts) as PartName[];
