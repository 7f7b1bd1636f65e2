import { HumanMessage } from "@langchain/core/messages";
import { interrupt } from "@langchain/langgraph";
import { createRunHandler, createRuns, RecoveryWorker } from "@threadkeep/checkpoint-mongo/runs";
import { expect, it } from "vitest";
import { useDatabase } from "../use-database.ts";
import { makeChain } from "./ask-graph.ts";

const database = useDatabase();

it("carries out a run that was started, and keeps its input", async () => {
  const graph = makeChain({ first: () => undefined, second: () => undefined });
  const saver = database.openSaver();
  const runs = createRuns({ saver, graphs: { chain: graph } });
  const started = await runs.start("chain", { log: ["in"] }, { threadId: "t1", runId: "r1" });
  expect(started).toMatchObject({ status: "queued", attempts: 0, threadId: "t1" });
  const handle = createRunHandler({ saver, graphs: { chain: graph } });
  expect(await handle("r1")).toMatchObject({ status: "done", token: 1 });
  const tuple = await saver.getTuple({ configurable: { thread_id: "t1" } });
  expect(tuple?.checkpoint.channel_values["log"]).toEqual(["in", "first", "second"]);
  expect(await handle("r1")).toMatchObject({ status: "done", token: 1 });
});

it("waits for an answer and goes on with it", async () => {
  const graph = makeChain({ ask: () => interrupt({ q: 1 }) as string, end: () => undefined });
  const saver = database.openSaver();
  const graphs = { chain: graph };
  const runs = createRuns({ saver, graphs });
  const worker = new RecoveryWorker({ saver, graphs });
  worker.start();
  await runs.start("chain", { log: [] }, { threadId: "t2", runId: "r2" });
  await expect.poll(async () => (await runs.get("r2"))?.status, { timeout: 5000 }).toBe("waiting");
  const waiting = (await runs.get("r2"))!;
  expect(waiting.interrupts).toMatchObject([{ value: { q: 1 } }]);
  await runs.resume("r2", "yes");
  await expect.poll(async () => (await runs.get("r2"))?.status, { timeout: 5000 }).toBe("done");
  const tuple = await saver.getTuple({ configurable: { thread_id: "t2" } });
  expect(tuple?.checkpoint.channel_values["log"]).toEqual(["ask: yes", "end"]);
  await worker.stop();
  void HumanMessage;
});
