import type { SaverEvent } from "@threadkeep/checkpoint-mongo";
import { Binary } from "mongodb";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const config = threadConfig("damaged");

beforeEach(async () => {
  await database.openSaver().deleteThread("damaged");
  const saver = database.openSaver();
  const ancestor = await putCheckpoint(saver, config, makeCheckpoint({ a: 1 }, { id: "ancestor" }));
  await putCheckpoint(saver, ancestor, makeCheckpoint({ a: 2 }, { id: "latest" }));
  await database
    .documents("checkpoint")
    .updateOne({ checkpoint_id: "latest" }, { $set: { hash: new Binary() } });
});

describe("a damaged checkpoint that is skipped", () => {
  it("is reported as a warning of the process without an onEvent", async () => {
    const saver = database.openSaver({ onCorruption: "fall-back" });
    const emitWarning = watchWarnings();
    for (const [read, outcome] of [
      [() => saver.getTuple(config), "Its ancestor ancestor is returned instead."],
      [() => Array.fromAsync(saver.list(config)), "It is left out of the list."],
    ] as const) {
      await read();
      expect(emitWarning).toHaveBeenCalledExactlyOnceWith(
        expect.stringMatching(/^Checkpoint latest of thread "damaged" is corrupt: /),
        { type: "ThreadkeepWarning", code: "CORRUPT_CHECKPOINT" },
      );
      expect(emitWarning.mock.lastCall?.[0]).toContain(outcome);
      emitWarning.mockClear();
    }
  });

  it("is reported to onEvent instead, if there is one", async () => {
    const emitWarning = watchWarnings();
    const events: SaverEvent[] = [];
    const onEvent = (event: SaverEvent) => events.push(event);
    await database.openSaver({ onCorruption: "fall-back", onEvent }).getTuple(config);
    expect(events).toMatchObject([{ type: "fall-back", returnedCheckpointId: "ancestor" }]);
    expect(emitWarning).not.toHaveBeenCalled();
  });
});

/** Takes the warnings instead of Node.js, which would print them among the test's results. */
function watchWarnings() {
  const emitWarning = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  onTestFinished(() => emitWarning.mockRestore());
  return emitWarning;
}
