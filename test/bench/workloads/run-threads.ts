import type { Bench, Outcome } from "../harness/benchmark.ts";
import { readCpuMs, readCpuMsOf } from "../harness/cpu-time.ts";
import { median, percentile } from "../harness/percentile.ts";
import { Conversation, TURN_CONTENT_BYTES } from "./conversation.ts";

/** Runs short threads at once from their first turn on: how fast they are, and what a turn costs. */
export async function runThreads(
  { open, database, turns, progress }: Bench,
  count: number,
): Promise<Outcome> {
  const conversations = Array.from(
    { length: count },
    (_, index) => new Conversation(open.saver, { threadId: `thread-${index}` }),
  );
  const total = conversations.length * turns;
  const turnMs: number[] = [];
  const commandsBefore = open.commands.commands;
  const serverCpuBefore = readCpuMsOf(database?.serverPid);
  const cpuBefore = readCpuMs();
  const start = performance.now();
  await Promise.all(
    conversations.map(async (conversation) => {
      for (let turn = 1; turn <= turns; turn += 1) {
        turnMs.push(await conversation.runTurn());
        progress(turnMs.length, total);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1_000;
  const cpuMsPerTurn = (readCpuMs() - cpuBefore) / total;
  const serverCpu = readCpuMsOf(database?.serverPid);
  const bytesStored = await open.countBytesStored();
  return {
    ...(bytesStored !== undefined && { bytesStored }),
    contentBytes: total * TURN_CONTENT_BYTES,
    turnsPerSecond: total / seconds,
    turnMsP50: median(turnMs),
    turnMsP99: percentile(turnMs, 0.99),
    commandsPerTurn: (open.commands.commands - commandsBefore) / total,
    cpuMsPerTurn,
    ...(serverCpu !== undefined &&
      serverCpuBefore !== undefined && {
        serverCpuMsPerTurn: (serverCpu - serverCpuBefore) / total,
      }),
  };
}
