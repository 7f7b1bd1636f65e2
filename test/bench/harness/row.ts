import type { SeriesPoint } from "./benchmark.ts";
import type { Measurements } from "./measurements.ts";
import type { SaverName } from "./savers.ts";

/** The result of one case, as it is written to JSON. */
export interface Row extends Measurements {
  /** The benchmark's name. */
  readonly case: string;
  readonly variant?: string;
  readonly saver: SaverName;
  readonly turns: number;
  /** How long the case took, with starting its server and its process. */
  readonly seconds?: number;
  /** Why there are no figures. */
  readonly error?: string;
  readonly series?: readonly SeriesPoint[];
}

/** Finds a row of one benchmark. */
export function findRow(rows: readonly Row[], saver: SaverName, variant?: string): Row | undefined {
  return rows.find((row) => row.saver === saver && row.variant === variant);
}
