import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, vi } from "vitest";
import { sampleThreads } from "./any-state.ts";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

// It starts a process that loads everything again: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 });

const database = useDatabase();
const COUNT = 25;

it("any state of the supported types, pending writes and metadata too, comes back in another process as it was", async () => {
  const seed = randomInt(2 ** 31);
  const saver = database.openSaver();
  for (const [index, { first, second, metadata, written }] of sampleThreads(
    seed,
    COUNT,
  ).entries()) {
    const thread = threadConfig(`thread-${index}`);
    const parent = await putCheckpoint(saver, thread, makeCheckpoint(first));
    const versions = Object.fromEntries(Object.keys(second).map((channel) => [channel, 2]));
    const config = await putCheckpoint(
      saver,
      parent,
      makeCheckpoint(second, { versions }),
      makeMetadata({ step: 1, extra: metadata }),
    );
    await saver.putWrites(config, [["value", written]], "task");
  }
  expect(await compareInNewProcess(seed), `seed ${seed}`).toEqual([]);
});

async function compareInNewProcess(seed: number): Promise<unknown> {
  const script = fileURLToPath(new URL("any-state.fixture.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      "--conditions=@threadkeep/source",
      "--no-warnings",
      script,
      database.uri,
      database.name,
      String(seed),
      String(COUNT),
    ],
    { maxBuffer: 2 ** 26 },
  );
  return JSON.parse(stdout) as unknown;
}
