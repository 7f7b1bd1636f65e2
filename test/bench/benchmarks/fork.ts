import type { Benchmark } from "../harness/benchmark.ts";
import { median } from "../harness/percentile.ts";
import { requireSaver } from "../harness/require-saver.ts";
import { storedAtMost3Times } from "../harness/target.ts";
import { Conversation, TURN_CONTENT_BYTES } from "../workloads/conversation.ts";

const TURNS_PER_FORK = 5;

/** A chat that is taken up again from its middle, again and again. */
export const fork: Benchmark = {
  name: "fork",
  description:
    "The thread of long-thread, forked at half its length once for every 10 turns (20 forks from turn 100 of 200 turns); each fork runs 5 turns on",
  turns: 200,
  turnsAre: "turns of the thread before it is forked",
  savers: ["threadkeep", "official", "memory"],
  targets: [storedAtMost3Times("the content written")],
  async run(bench) {
    const { open, turns, progress } = bench;
    const forks = Math.max(1, Math.round(turns / 10));
    const total = turns + forks * TURNS_PER_FORK;
    const conversation = new Conversation(requireSaver(bench));
    const forkAfter = Math.ceil(turns / 2);
    let forkAt = conversation.config;
    for (let turn = 1; turn <= turns; turn += 1) {
      await conversation.runTurn();
      if (turn === forkAfter) forkAt = await conversation.pinLatest();
      progress(turn, total);
    }
    const turnMs: number[] = [];
    for (let index = 0; index < forks; index += 1) {
      turnMs.push(await conversation.runTurn(forkAt));
      // The fork's first turn made it the latest of the thread.
      for (let turn = 2; turn <= TURNS_PER_FORK; turn += 1) {
        turnMs.push(await conversation.runTurn());
      }
      progress(turns + turnMs.length, total);
    }
    const bytesStored = await open.countBytesStored();
    return {
      ...(bytesStored !== undefined && { bytesStored }),
      contentBytes: total * TURN_CONTENT_BYTES,
      turnMsP50Last10: median(turnMs.slice(-10)),
    };
  },
};
