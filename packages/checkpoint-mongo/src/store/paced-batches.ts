import { setTimeout as sleep } from "node:timers/promises";

/** A smaller command hardly takes less: the way to the server and the look for the documents take as long. */
const MIN_SIZE = 32;
const MAX_SIZE = 256;

/**
 * A command may take so much longer than the fastest one. Whoever writes to the collection meanwhile waits for it on
 * some servers.
 */
const BUDGET_MS = 15;

/** Between two commands, others come first for this share of the time that the last one took. */
const PAUSE_SHARE = 0.5;
const MAX_PAUSE_MS = 50;

/**
 * Cuts the work of a long removal into commands that keep nobody waiting for long: each takes about as long as a put
 * may be kept waiting, whatever the server. What the caller does with a batch before it asks for the next one is
 * measured.
 */
export async function* paceBatches<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  let size = MIN_SIZE;
  let fastestMs = Infinity;
  for (let start = 0; start < items.length;) {
    const batch = items.slice(start, start + size);
    start += batch.length;
    const startedMs = performance.now();
    yield batch;
    const tookMs = performance.now() - startedMs;
    fastestMs = Math.min(fastestMs, tookMs);
    const isSlow = tookMs - fastestMs > BUDGET_MS;
    size = isSlow ? Math.max(MIN_SIZE, size >> 1) : Math.min(MAX_SIZE, size << 1);
    if (start < items.length) await sleep(Math.min(MAX_PAUSE_MS, PAUSE_SHARE * tookMs));
  }
}
