import type { Bench, Outcome, SeriesPoint } from "../harness/benchmark.ts";
import { readCpuMs } from "../harness/cpu-time.ts";
import { median } from "../harness/percentile.ts";
import { TURN_CONTENT_BYTES, type Conversation } from "./conversation.ts";

/** Points of the plot. */
const SERIES_POINTS = 25;

const LAST_FOR_TIME = 10;
/** A garbage collection now and then would decide over fewer. */
const LAST_FOR_CPU = 50;

/** Runs a long thread: how it went over the turns, and what the last ones cost. */
export async function runTurns(
  { open, turns, progress }: Bench,
  conversation: Conversation,
): Promise<Outcome> {
  const turnMs: number[] = [];
  const cpuMs: number[] = [];
  const series: SeriesPoint[] = [];
  const interval = Math.max(1, Math.floor(turns / SERIES_POINTS));
  const tail = Math.min(LAST_FOR_TIME, turns);
  let commandsBefore = 0;
  for (let turn = 1; turn <= turns; turn += 1) {
    if (turn === turns - tail + 1) commandsBefore = open.commands.commands;
    // Turn by turn, because what is between them is the benchmark's: counting bytes takes long.
    const cpuBefore = readCpuMs();
    turnMs.push(await conversation.runTurn());
    cpuMs.push(readCpuMs() - cpuBefore);
    progress(turn, turns);
    if (turn % interval === 0 || turn === turns) {
      const bytesStored = await open.countBytesStored();
      const latest = turnMs.slice(series.at(-1)?.turn ?? 0);
      series.push({
        turn,
        turnMs: median(latest),
        ...(bytesStored !== undefined && { bytesStored }),
      });
    }
  }
  const commandsPerTurn = (open.commands.commands - commandsBefore) / tail;
  const bytesStored = series.at(-1)?.bytesStored;
  return {
    series,
    contentBytes: turns * TURN_CONTENT_BYTES,
    turnMsP50Last10: median(turnMs.slice(-LAST_FOR_TIME)),
    cpuMsPerTurnLast50: mean(cpuMs.slice(-LAST_FOR_CPU)),
    commandsPerTurn,
    ...(bytesStored !== undefined && { bytesStored }),
  };
}

function mean(samples: readonly number[]): number {
  return samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
}
