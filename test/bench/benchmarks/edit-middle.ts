import type { Benchmark } from "../harness/benchmark.ts";
import { median } from "../harness/percentile.ts";
import { requireSaver } from "../harness/require-saver.ts";
import { storedAtMost3Times } from "../harness/target.ts";
import { Conversation, MESSAGE_LENGTH, TURN_CONTENT_BYTES } from "../workloads/conversation.ts";

const TURNS_PER_EDIT = 10;

/** A chat whose past is edited. */
export const editMiddle: Benchmark = {
  name: "edit-middle",
  description:
    "The thread of long-thread; every 10 turns the message in its middle is replaced by another of 1,000 characters",
  turns: 200,
  turnsAre: "turns of the thread",
  savers: ["threadkeep", "official", "memory"],
  targets: [storedAtMost3Times("the content written")],
  async run(bench) {
    const { open, turns, progress } = bench;
    const conversation = new Conversation(requireSaver(bench));
    const turnMs: number[] = [];
    let edits = 0;
    for (let turn = 1; turn <= turns; turn += 1) {
      turnMs.push(await conversation.runTurn());
      if (turn % TURNS_PER_EDIT === 0) {
        await conversation.replaceMiddle();
        edits += 1;
      }
      progress(turn, turns);
    }
    const bytesStored = await open.countBytesStored();
    return {
      ...(bytesStored !== undefined && { bytesStored }),
      contentBytes: turns * TURN_CONTENT_BYTES + edits * MESSAGE_LENGTH,
      turnMsP50Last10: median(turnMs.slice(-10)),
    };
  },
};
