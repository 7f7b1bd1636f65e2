import type { MeasurementName, Unit } from "./measurements.ts";
import { findRow, type Row } from "./row.ts";
import type { SaverName } from "./savers.ts";

/** Something a benchmark has to reach. */
export interface Target {
  /** What has to hold, for people. */
  readonly goal: string;
  readonly unit: Unit;
  readonly direction: "at most" | "at least";
  /** Set if the limit was stated for this size only. */
  readonly statedForTurns?: number;
  /** The figure and what it is held against; undefined for what was not measured. */
  compare(rows: readonly Row[]): { measured: number | undefined; limit: number | undefined };
}

/** How a run stands to a target. */
export interface Judgement {
  readonly goal: string;
  readonly unit: Unit;
  readonly direction: Target["direction"];
  readonly measured: number | undefined;
  readonly limit: number | undefined;
  readonly verdict: "reached" | "not reached" | "not judged";
}

/** Holds the rows of one benchmark against its targets. */
export function judge(targets: readonly Target[], rows: readonly Row[]): Judgement[] {
  const turns = rows[0]?.turns;
  return targets.map((target) => {
    const { goal, unit, direction, statedForTurns = turns } = target;
    const { measured, limit } = target.compare(rows);
    const isJudged = measured !== undefined && limit !== undefined && statedForTurns === turns;
    const isReached = isJudged && (direction === "at most" ? measured <= limit : measured >= limit);
    const verdict = isReached ? "reached" : "not reached";
    return { goal, unit, direction, measured, limit, verdict: isJudged ? verdict : "not judged" };
  });
}

/** A figure of this project's saver, multiplied. Undefined if it was not measured. */
export function figure(
  rows: readonly Row[],
  saver: SaverName,
  name: MeasurementName,
  { times = 1, variant }: { times?: number; variant?: string } = {},
): number | undefined {
  const value = findRow(rows, saver, variant)?.[name];
  return value === undefined ? undefined : value * times;
}

/** What a benchmark of storage has to reach. */
export function storedAtMost3Times(content: string): Target {
  return {
    goal: `stored at most 3 × ${content}`,
    unit: "bytes",
    direction: "at most",
    compare: (rows) => ({
      measured: figure(rows, "threadkeep", "bytesStored"),
      limit: figure(rows, "threadkeep", "contentBytes", { times: 3 }),
    }),
  };
}
