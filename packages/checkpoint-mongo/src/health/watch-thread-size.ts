import { measureThread } from "../store/measure-thread.ts";
import type { Store } from "../store/store.ts";
import type { HealthMonitor } from "./health-monitor.ts";

/** A thread is measured each time this share of its limit is written, on average. */
const MEASURED_SHARE = 1 / 8;

/** A checkpoint takes this much beside its state, with its pending writes, about. */
const CHECKPOINT_BYTES = 2_048;

/** What is needed to watch the size of threads. */
interface SizeContext {
  readonly store: Pick<Store, "all">;
  readonly health: HealthMonitor;
  readonly settings: { readonly onThreadSize: { readonly softLimitBytes: number } | undefined };
}

/**
 * Reports a thread that takes more than `onThreadSize.softLimitBytes`, after a put that may have made it so large.
 *
 * It is decided at random whether the server is asked, so that no process has to know what others have written: an
 * eighth of the limit is written between two times, however many processes there are and however short they live.
 *
 * @param addedBytes what the put added to the state
 */
export async function watchThreadSize(
  { store, health, settings: { onThreadSize } }: SizeContext,
  threadId: string,
  addedBytes: number,
): Promise<void> {
  if (onThreadSize === undefined) return;
  const { softLimitBytes: limitBytes } = onThreadSize;
  const written = addedBytes + CHECKPOINT_BYTES;
  if (Math.random() * limitBytes * MEASURED_SHARE >= written) return;
  // What cannot be measured now is measured after a later put. This one has stored everything.
  const size = await measureThread(store, threadId).catch(() => undefined);
  if (size !== undefined) health.noteThreadSize(threadId, size, limitBytes);
}
