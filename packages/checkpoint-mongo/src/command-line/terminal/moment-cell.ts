import { formatMoment } from "./format-time.ts";
import type { Cell } from "./table.ts";

/** A moment: for programs in full, for people how long ago it was. */
export function toMoment(at: Date | undefined, nowMs: number): Cell {
  return { plain: at?.toISOString(), shown: at && formatMoment(at, nowMs) };
}
