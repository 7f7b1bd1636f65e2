import { startMongoDB } from "@threadkeep/local-mongodb";
import { quantile } from "./quantile.ts";
import { measureIdle } from "./measure-idle.ts";
import { measureLeasedPuts } from "./measure-leased-puts.ts";
import { measureRecoveries } from "./measure-recoveries.ts";
import { measureSpeed } from "./measure-speed.ts";

/** How much is measured. */
export interface FleetSizes {
  readonly kills: number;
  readonly runs: number;
  readonly workers: number;
  readonly idleSeconds: number;
  readonly puts: number;
}

/** What one measure came to. */
export interface FleetFigure {
  readonly measure: string;
  readonly measured: string;
  readonly goal: string;
  readonly isReached: boolean | undefined;
}

const NO_GOAL = { goal: "", isReached: undefined };
const GOAL_RECOVERY_MS = 15_000;
const GOAL_IDLE_COMMANDS = 20;

/** Measures workers with their defaults, each part on a new database of one server. */
export async function measureFleet(sizes: FleetSizes): Promise<FleetFigure[]> {
  await using server = await startMongoDB();
  const { uri } = server;
  const idle = await measureIdle(uri, sizes.idleSeconds);
  const puts = await measureLeasedPuts(uri, sizes.puts);
  const speeds: FleetFigure[] = [];
  for (let workers = 1; workers <= sizes.workers; workers *= 2) {
    const runsPerSecond = await measureSpeed(uri, workers, sizes.runs);
    const measure = `runs of three steps a second, ${workers} ${workers === 1 ? "worker" : "workers"}`;
    speeds.push({ measure, measured: runsPerSecond.toFixed(1), ...NO_GOAL });
  }
  const waitedMs = await measureRecoveries(uri, sizes.kills, Math.max(2, sizes.workers));
  const p99Ms = quantile(waitedMs, 0.99);
  const inSeconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(1)} s`;
  return [
    {
      measure: `killed → running elsewhere, p50 of ${waitedMs.length}`,
      measured: inSeconds(quantile(waitedMs, 0.5)),
      ...NO_GOAL,
    },
    {
      measure: "killed → running elsewhere, p99",
      measured: inSeconds(p99Ms),
      goal: `at most ${inSeconds(GOAL_RECOVERY_MS)}`,
      isReached: p99Ms <= GOAL_RECOVERY_MS,
    },
    ...speeds,
    {
      measure: "commands a minute of an idle worker",
      measured: idle.toFixed(1),
      goal: `at most ${GOAL_IDLE_COMMANDS}`,
      isReached: idle <= GOAL_IDLE_COMMANDS,
    },
    {
      measure: "further commands of a put under a lease",
      measured: (puts.leased.commands - puts.free.commands).toFixed(2),
      goal: "0",
      isReached: puts.leased.commands <= puts.free.commands,
    },
    { measure: "a put without a lease, ms", measured: puts.free.ms.toFixed(2), ...NO_GOAL },
    { measure: "a put under a lease, ms", measured: puts.leased.ms.toFixed(2), ...NO_GOAL },
  ];
}
