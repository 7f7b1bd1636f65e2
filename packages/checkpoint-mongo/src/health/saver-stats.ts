import type { CacheStats } from "../memory/cache.ts";
import type { CheckpointSizeStats } from "./checkpoint-sizes.ts";
import type { LatencyStats } from "./latencies.ts";

/** How a saver has done since it was made. Nothing of it is stored. */
export interface SaverStats {
  /** When the saver was made. */
  readonly since: Date;
  /** Calls of `getTuple`. */
  readonly get: LatencyStats;
  /** Calls of `put`. */
  readonly put: LatencyStats;
  /** Calls of `putWrites`. */
  readonly putWrites: LatencyStats;
  /** Calls of `put` and `putWrites` that are under way now. */
  readonly underWay: number;
  /** The checkpoints that it has put. */
  readonly checkpoints: CheckpointSizeStats;
  /** The memory that it shares with the other savers of its client. */
  readonly cache: CacheStats;
  /** Documents that were not what was written, by any method. With `"fall-back"`, also those passed over. */
  readonly verificationFailures: number;
  /** Calls of `getTuple` and `list` that could not give back what is stored. */
  readonly restoreFailures: number;
  /** Commands that were sent again after an error that passes. */
  readonly retries: number;
  /** Rounds in which another writer of the thread was faster. */
  readonly conflicts: number;
}
