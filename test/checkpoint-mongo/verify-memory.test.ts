import type { CommandStartedEvent } from "mongodb";
import { randomBytes } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

const CHECKPOINTS = 400;
const METADATA_BYTES = 50_000;

const GC_ROUNDS = 8;
const GC_PAUSE_MS = 25;

it(
  "verifyThread holds a few kilobytes of each checkpoint, whatever is in it",
  { timeout: 120_000 },
  async () => {
    // Together far more than the driver holds of one reply.
    let config = threadConfig("verified");
    const writer = database.openSaver();
    for (let step = 1; step <= CHECKPOINTS; step += 1) {
      const metadata = makeMetadata({ text: randomBytes(METADATA_BYTES / 2).toString("hex") });
      const checkpoint = makeCheckpoint({ step }, { versions: { step } });
      config = await writer.put(config, checkpoint, metadata, { step });
    }
    const saver = database.openSaver({ cacheMaxBytes: 1_000_000 });
    const before = measureMemory();
    const held: number[] = [];
    const measure = ({ command }: CommandStartedEvent): void => {
      const { kind } = (command["filter"] ?? {}) as { readonly kind?: unknown };
      // All checkpoints have been read by then, and are compared with what comes.
      if (kind === "segment") held.push(measureMemory() - before);
    };
    database.client.on("commandStarted", measure);
    const report = await saver.verifyThread("verified");
    database.client.off("commandStarted", measure);
    expect(report).toMatchObject({ checkpoints: CHECKPOINTS, damages: [] });
    expect(held).not.toHaveLength(0);
    expect(Math.max(...held) / CHECKPOINTS).toBeLessThan(METADATA_BYTES / 5);
  },
);

/**
 * What is still referred to. Threads of V8's free array buffers some time after a collection, so each reading is
 * too high by an unknown amount, such as a whole reply: the least of several counts.
 */
function measureMemory(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const readings = Array.from({ length: GC_ROUNDS }, () => {
    collect();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, GC_PAUSE_MS);
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  });
  return Math.min(...readings);
}
