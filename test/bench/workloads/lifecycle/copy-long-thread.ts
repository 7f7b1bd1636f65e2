import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import type { Bench, Outcome } from "../../harness/benchmark.ts";
import { measureMs } from "../../harness/durations.ts";
import { Conversation } from "../conversation.ts";

const TURNS = 500;

/** A conversation is copied. */
export async function copyLongThread({ open, turns, progress }: Bench): Promise<Outcome> {
  const saver = open.saver as MongoDBSaver;
  const conversation = new Conversation(saver);
  const count = Math.ceil((TURNS * turns) / 100);
  for (let turn = 1; turn <= count; turn += 1) {
    await conversation.runTurn();
    progress(turn, count);
  }
  const sourceBytes = (await open.countBytesStored()) ?? 0;
  const before = open.commands.commands;
  const copyMs = await measureMs(() => saver.copyThread(conversation.threadId, "copy"));
  const copyCommands = open.commands.commands - before;
  const copyBytes = ((await open.countBytesStored()) ?? 0) - sourceBytes;
  return { copyMs, copyCommands, copyBytes, sourceBytes };
}
