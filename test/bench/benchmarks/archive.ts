import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { importThread, streamThread } from "@threadkeep/checkpoint-mongo/archive";
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import { measureMs } from "../harness/durations.ts";
import { median } from "../harness/percentile.ts";
import { requireSaver } from "../harness/require-saver.ts";
import { Conversation } from "../workloads/conversation.ts";

const ROUNDS = 5;
const MB = 1_000_000;

/** How fast a thread goes to an archive and comes back. */
export const archive: Benchmark = {
  name: "archive",
  description:
    "A long thread exported into memory and imported under other ids, medians of 5. MB are those of the lines, before compression; an import verifies all of it before it can be seen",
  turns: 500,
  turnsAre: "turns of the thread",
  savers: ["threadkeep"],
  variants: ["none", "zstd"],
  targets: [],
  async run(bench) {
    const saver = requireSaver(bench) as MongoDBSaver;
    const conversation = new Conversation(saver);
    for (let turn = 1; turn <= bench.turns; turn += 1) {
      await conversation.runTurn();
      bench.progress(turn, bench.turns);
    }
    const exportMs: number[] = [];
    const importMs: number[] = [];
    const plain = await exportAll(saver, conversation.threadId, "none");
    let bytes = Buffer.alloc(0);
    for (let round = 0; round < ROUNDS; round += 1) {
      bench.progress(round, ROUNDS, "exporting and importing");
      const compression = readCompression(bench);
      exportMs.push(
        await measureMs(async () => {
          bytes = await exportAll(saver, conversation.threadId, compression);
        }),
      );
      const threadId = `${conversation.threadId}-${round}`;
      importMs.push(await measureMs(() => importThread(saver, once(bytes), { threadId })));
    }
    return {
      archiveBytes: bytes.byteLength,
      exportMsP50: median(exportMs),
      importMsP50: median(importMs),
      exportedMb: plain.byteLength / MB / (median(exportMs) / 1_000),
      importedMb: plain.byteLength / MB / (median(importMs) / 1_000),
    };
  },
};

function readCompression({ variant }: Bench): "none" | "zstd" {
  return variant === "zstd" ? "zstd" : "none";
}

async function exportAll(
  saver: MongoDBSaver,
  threadId: string,
  compression: "none" | "zstd",
): Promise<Buffer<ArrayBuffer>> {
  return Buffer.concat(await Array.fromAsync(streamThread(saver, threadId, { compression })));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
