import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { importThread, streamThread } from "@threadkeep/checkpoint-mongo/archive";
import type { Bench, Outcome } from "../../harness/benchmark.ts";
import { measureMs } from "../../harness/durations.ts";
import { median } from "../../harness/percentile.ts";
import { Conversation } from "../conversation.ts";

const TURNS = 500;
const ROUNDS = 5;
const MB = 1_000_000;

type Compression = "none" | "zstd";

/** A conversation is exported into memory, and imported under other ids. */
export async function exportAndImport(
  { open, turns, progress }: Bench,
  compression: Compression,
): Promise<Outcome> {
  const saver = open.saver as MongoDBSaver;
  const conversation = new Conversation(saver);
  const { threadId } = conversation;
  const count = Math.ceil((TURNS * turns) / 100);
  for (let turn = 1; turn <= count; turn += 1) {
    await conversation.runTurn();
    progress(turn, count);
  }
  const lineBytes = (await exportAll(saver, threadId, "none")).byteLength;
  const exportMs: number[] = [];
  const importMs: number[] = [];
  let bytes = Buffer.alloc(0);
  for (let round = 0; round < ROUNDS; round += 1) {
    progress(round, ROUNDS, "exporting and importing");
    exportMs.push(
      await measureMs(async () => {
        bytes = await exportAll(saver, threadId, compression);
      }),
    );
    importMs.push(
      await measureMs(() => importThread(saver, once(bytes), { threadId: `${threadId}-${round}` })),
    );
  }
  return {
    archiveBytes: bytes.byteLength,
    exportMsP50: median(exportMs),
    importMsP50: median(importMs),
    exportedMb: lineBytes / MB / (median(exportMs) / 1_000),
    importedMb: lineBytes / MB / (median(importMs) / 1_000),
  };
}

async function exportAll(
  saver: MongoDBSaver,
  threadId: string,
  compression: Compression,
): Promise<Buffer<ArrayBuffer>> {
  return Buffer.concat(await Array.fromAsync(streamThread(saver, threadId, { compression })));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
