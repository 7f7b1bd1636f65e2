import { AIMessage, HumanMessage, type BaseMessage } from "@langchain/core/messages";
import { MessagesAnnotation, StateGraph, interrupt } from "@langchain/langgraph";
import {
  createRunHandler,
  createRuns,
  RunNotFoundError,
  RunStateError,
  UnknownGraphError,
} from "@threadkeep/checkpoint-mongo/runs";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { useDatabase } from "../use-database.ts";
import { makeChain } from "./make-chain.ts";
import { openRuns } from "./use-runs.ts";

const database = useDatabase();

const chain = makeChain({ first: () => {}, second: () => {} });

describe("starting a run", () => {
  it("stores its input before anything runs, and a handler of another process carries it out once", async () => {
    const { runs, ids } = openRuns(database, { chain });
    const run = await runs.start("chain", { log: ["in"] }, ids);
    expect(run).toMatchObject({ ...ids, graph: "chain", status: "queued", attempts: 0, token: 0 });
    const other = openRuns(database, { chain });
    expect(await other.readLog(ids.threadId)).toBeUndefined();
    expect(await other.handle(ids.runId)).toMatchObject({ status: "done", token: 1 });
    expect(await other.readLog(ids.threadId)).toEqual(["in", "first", "second"]);
    expect(await other.handle(ids.runId)).toMatchObject({ status: "done", token: 1 });
    expect(await other.readLog(ids.threadId)).toEqual(["in", "first", "second"]);
  });

  it("gives the nodes messages as they were, with the config it was started with", async () => {
    const seen: unknown[] = [];
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("answer", ({ messages }, config) => {
        seen.push(
          messages.map((message: BaseMessage) => message.type),
          config.configurable,
        );
        return { messages: [new AIMessage("b")] };
      })
      .addEdge("__start__", "answer")
      .compile();
    const { runs, handle, ids } = openRuns(database, { graph });
    const input = { messages: [new HumanMessage({ content: "a", id: "1" })] };
    const config = { configurable: { user: "ada" } };
    await runs.start("graph", input, { ...ids, config });
    expect(await handle(ids.runId)).toMatchObject({ status: "done" });
    expect(seen).toEqual([
      ["human"],
      expect.objectContaining({
        user: "ada",
        thread_id: ids.threadId,
        run_id: ids.runId,
        run_token: 1,
      }),
    ]);
  });

  it("keeps the input as it was when it was handed over", async () => {
    const { runs, handle, ids, readLog } = openRuns(database, { chain });
    const input = { log: ["in"] };
    const started = runs.start("chain", input, ids);
    input.log.push("later");
    await started;
    await handle(ids.runId);
    expect(await readLog()).toEqual(["in", "first", "second"]);
  });

  it("returns the run as it stands if it was started with the same before", async () => {
    const { runs, handle, ids, readLog } = openRuns(database, { chain });
    const starts = await Promise.all(
      Array.from({ length: 8 }, () => runs.start("chain", { log: ["in"] }, ids)),
    );
    expect(new Set(starts.map(({ createdAt }) => createdAt.getTime())).size).toBe(1);
    await handle(ids.runId);
    expect(await runs.start("chain", { log: ["in"] }, ids)).toMatchObject({ status: "done" });
    expect(await handle(ids.runId)).toMatchObject({ status: "done", token: 1 });
    expect(await readLog()).toEqual(["in", "first", "second"]);
  });

  it("refuses a run id that was used with another input, graph, config or thread, and changes nothing", async () => {
    const { runs, ids } = openRuns(database, { chain, other: chain });
    const before = await runs.start("chain", { log: ["in"] }, ids);
    const attempts = [
      runs.start("chain", { log: ["out"] }, ids),
      runs.start("other", { log: ["in"] }, ids),
      runs.start("chain", { log: ["in"] }, { ...ids, threadId: randomUUID() }),
      runs.start("chain", { log: ["in"] }, { ...ids, config: { tags: ["a"] } }),
    ];
    // All at once: each of them may be refused before the one before it.
    for (const outcome of await Promise.allSettled(attempts)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "RUN_CONFLICT" } });
    }
    expect(await runs.get(ids.runId)).toEqual(before);
  });

  it.each<[string, (runs: ReturnType<typeof createRuns>) => Promise<unknown>, string]>([
    ["an unknown graph", (runs) => runs.start("x", {}, { threadId: "t" }), "Known are: chain"],
    ["an empty thread id", (runs) => runs.start("chain", {}, { threadId: "" }), "thread_id"],
    [
      "a run id that is no string",
      (runs) => runs.start("chain", {}, { threadId: "t", runId: 1 as never }),
      "run id",
    ],
    [
      "an unknown option",
      (runs) => runs.start("chain", {}, { threadId: "t", runid: "1" } as never),
      "did you mean runId",
    ],
    [
      "an input that cannot be stored",
      (runs) => runs.start("chain", { log: [() => 1] }, { threadId: "t" }),
      "input",
    ],
  ])("refuses %s before anything is stored", async (_what, act, message) => {
    const { runs } = openRuns(database, { chain });
    const count = await database.db.collection("threadkeep_runs").countDocuments();
    await expect(act(runs)).rejects.toThrow(message);
    expect(await database.db.collection("threadkeep_runs").countDocuments()).toBe(count);
  });
});

describe("the runs of one thread", () => {
  it("run one after the other, in the order in which they were started", async () => {
    const { runs, handle, ids, readLog } = openRuns(database, { chain });
    const { threadId } = ids;
    const names = ["a", "b", "c"].map((name) => `${name}-${threadId}`);
    for (const runId of names) await runs.start("chain", { log: [runId] }, { threadId, runId });
    expect((await runs.get(names[1]!))?.isBehindAnother).toBe(true);
    // Out of order: each lets the first on, and is not taken.
    for (const runId of names.toReversed().slice(0, 2)) {
      expect(await handle(runId)).toMatchObject({ status: "queued" });
    }
    for (const runId of names) expect(await handle(runId)).toMatchObject({ status: "done" });
    const steps = names.flatMap((name) => [name, "first", "second"]);
    expect(await readLog()).toEqual(steps);
  });

  it("wait while one of them waits for an answer, and go on when it is cancelled", async () => {
    const ask = makeChain({ ask: () => interrupt("?") });
    const { runs, handle, ids } = openRuns(database, { ask, chain });
    const { threadId } = ids;
    await runs.start("ask", { log: [] }, ids);
    await handle(ids.runId);
    const behind = await runs.start("chain", { log: [] }, { threadId });
    expect(await handle(behind.runId)).toMatchObject({ status: "queued", isBehindAnother: true });
    await runs.cancel(ids.runId);
    expect(await handle(behind.runId)).toMatchObject({ status: "done" });
  });
});

describe("a run that waits", () => {
  it("goes on with the answer, in any process, and is answered once", async () => {
    const ask = makeChain({ ask: () => interrupt({ question: "Publish?" }), end: () => {} });
    const { runs, handle, ids, readLog } = openRuns(database, { ask });
    await runs.start("ask", { log: [] }, ids);
    const waiting = await handle(ids.runId);
    expect(waiting).toMatchObject({ status: "waiting", attempts: 0, wakeAt: undefined });
    expect(waiting.interrupts).toEqual([
      { id: waiting.interrupts[0]?.id, value: { question: "Publish?" }, wakeAt: undefined },
    ]);
    expect(await handle(ids.runId)).toMatchObject({ status: "waiting", token: 1 });
    const other = openRuns(database, { ask });
    const answers = await Promise.allSettled([
      other.runs.resume(ids.runId, "yes"),
      runs.resume(ids.runId, "no"),
    ]);
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const lost = answers.find((answer) => answer.status === "rejected");
    expect(RunStateError.isInstance(lost?.reason)).toBe(true);
    expect(await other.handle(ids.runId)).toMatchObject({ status: "done", interrupts: [] });
    const said = answers[0].status === "fulfilled" ? "yes" : "no";
    expect(await readLog()).toEqual([`ask: ${said}`, "end"]);
  });

  it("takes a second answer for a second question of the same node", async () => {
    const ask = makeChain({ ask: () => `${interrupt("one?")} ${interrupt("two?")}` });
    const { runs, handle, ids, readLog } = openRuns(database, { ask });
    await runs.start("ask", { log: [] }, ids);
    await handle(ids.runId);
    await runs.resume(ids.runId, 1);
    expect((await handle(ids.runId)).interrupts).toMatchObject([{ value: "two?" }]);
    await runs.resume(ids.runId, 2);
    expect(await handle(ids.runId)).toMatchObject({ status: "done" });
    expect(await readLog()).toEqual(["ask: 1 2"]);
  });

  it("needs to know which of several questions is answered", async () => {
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("a", () => ({ messages: [new AIMessage(String(interrupt("a?")))] }))
      .addNode("b", () => ({ messages: [new AIMessage(String(interrupt("b?")))] }))
      .addEdge("__start__", "a")
      .addEdge("__start__", "b")
      .compile();
    const { runs, handle, ids, saver } = openRuns(database, { graph });
    await runs.start("graph", { messages: [] }, ids);
    const { interrupts } = await handle(ids.runId);
    expect(new Set(interrupts.map(({ value }) => value))).toEqual(new Set(["a?", "b?"]));
    await expect(runs.resume(ids.runId, 1)).rejects.toThrow(interrupts[0]!.id);
    await expect(runs.resume(ids.runId, 1, { interruptId: "x" })).rejects.toThrow(RunStateError);
    const { id } = interrupts.find(({ value }) => value === "b?")!;
    await runs.resume(ids.runId, "B", { interruptId: id });
    expect((await handle(ids.runId)).interrupts).toMatchObject([{ value: "a?" }]);
    await runs.resume(ids.runId, "A");
    expect(await handle(ids.runId)).toMatchObject({ status: "done" });
    const tuple = await saver.getTuple({ configurable: { thread_id: ids.threadId } });
    const messages = tuple!.checkpoint.channel_values["messages"] as BaseMessage[];
    expect(messages.map(({ text }) => text)).toEqual(["A", "B"]);
  });

  it("goes on from a breakpoint without an answer", async () => {
    const stops = new StateGraph(MessagesAnnotation)
      .addNode("a", () => ({ messages: [new AIMessage("a")] }))
      .addEdge("__start__", "a")
      .compile({ interruptBefore: ["a"] });
    const { runs, handle, ids } = openRuns(database, { stops });
    await runs.start("stops", { messages: [new HumanMessage("in")] }, ids);
    expect(await handle(ids.runId)).toMatchObject({ status: "waiting", interrupts: [] });
    await runs.resume(ids.runId);
    expect(await handle(ids.runId)).toMatchObject({ status: "done" });
  });

  it("takes an answer after its state was changed by hand", async () => {
    const ask = makeChain({ ask: () => interrupt("?") });
    const { runs, handle, ids, readLog, saver } = openRuns(database, { ask });
    await runs.start("ask", { log: ["in"] }, ids);
    await handle(ids.runId);
    const hand = makeChain({ ask: () => interrupt("?") });
    hand.checkpointer = saver;
    const thread = { configurable: { thread_id: ids.threadId } };
    await hand.updateState(thread, { log: ["by hand"] }, "__start__");
    await runs.resume(ids.runId, "yes");
    expect(await handle(ids.runId)).toMatchObject({ status: "done" });
    expect(await readLog()).toEqual(["in", "by hand", "ask: yes"]);
  });
});

describe("a run that fails", () => {
  it("is tried again after a while, from where it stopped, and is dead after maxAttempts", async () => {
    let failures = 0;
    const fails = makeChain({
      first: () => {},
      second: () => {
        failures += 1;
        throw new TypeError(`failure ${failures}`);
      },
    });
    const options = { maxAttempts: 3, backoff: { firstMs: 1, maxMs: 1 } };
    const { runs, handle, ids, readLog } = openRuns(database, { fails }, options);
    await runs.start("fails", { log: ["in"] }, ids);
    expect(await handle(ids.runId)).toMatchObject({ status: "queued", attempts: 1 });
    for (let left = 2; left > 0; left -= 1) {
      await expect.poll(async () => (await handle(ids.runId)).token).toBe(4 - left);
    }
    const dead = await runs.get(ids.runId);
    expect(dead).toMatchObject({
      status: "dead",
      attempts: 3,
      error: { name: "TypeError", message: "failure 3" },
    });
    expect(await handle(ids.runId)).toEqual(dead);
    expect(await readLog()).toEqual(["in", "first"]);
  });

  it("fails at once if its error is final, and goes on where it stopped when it is retried", async () => {
    let isBroken = true;
    const fails = makeChain({
      first: () => {},
      second: () => {
        if (isBroken) throw Object.assign(new Error("no"), { code: "NO" });
      },
    });
    const options = { isFinal: () => true };
    const { runs, handle, ids, readLog } = openRuns(database, { fails }, options);
    await runs.start("fails", { log: ["in"] }, ids);
    const failed = await handle(ids.runId);
    expect(failed).toMatchObject({ status: "failed", error: { message: "no", code: "NO" } });
    isBroken = false;
    expect(await runs.retry(ids.runId)).toMatchObject({ status: "queued", error: undefined });
    expect(await handle(ids.runId)).toMatchObject({ status: "done", error: undefined });
    expect(await readLog()).toEqual(["in", "first", "second"]);
    await expect(runs.retry(ids.runId)).rejects.toThrow(RunStateError);
  });

  it("does not go on when another run has gone on with its thread since", async () => {
    const fails = makeChain({
      first: () => {
        throw new Error("no");
      },
    });
    const { runs, handle, ids, readLog } = openRuns(
      database,
      { fails, chain },
      { isFinal: () => true },
    );
    await runs.start("fails", { log: ["a"] }, ids);
    await handle(ids.runId);
    const next = await runs.start("chain", { log: ["b"] }, { threadId: ids.threadId });
    await handle(next.runId);
    await runs.retry(ids.runId);
    const overtaken = await handle(ids.runId);
    expect(overtaken).toMatchObject({ status: "failed", error: { code: "RUN_STATE" } });
    expect(await readLog()).toEqual(["a", "b", "first", "second"]);
  });

  it("fails if its thread was deleted meanwhile", async () => {
    const ask = makeChain({ ask: () => interrupt("?") });
    const { runs, handle, ids, saver } = openRuns(database, { ask });
    await runs.start("ask", { log: [] }, ids);
    await handle(ids.runId);
    await saver.deleteThread(ids.threadId);
    await runs.resume(ids.runId, "yes");
    const failed = await handle(ids.runId);
    expect(failed).toMatchObject({ status: "failed", error: { code: "THREAD_NOT_FOUND" } });
  });
});

describe("cancelling a run", () => {
  it("ends one that nobody has at once, and it never runs", async () => {
    const { runs, handle, ids, readLog } = openRuns(database, { chain });
    await runs.start("chain", { log: [] }, ids);
    expect(await runs.cancel(ids.runId)).toMatchObject({ status: "cancelled" });
    expect(await handle(ids.runId)).toMatchObject({ status: "cancelled", token: 0 });
    expect(await runs.cancel(ids.runId)).toMatchObject({ status: "cancelled" });
    expect(await readLog()).toBeUndefined();
  });

  it("aborts one that another process carries out", async () => {
    const begun = Promise.withResolvers<AbortSignal>();
    const slow = makeChain({
      wait: async ({ signal }) => {
        begun.resolve(signal!);
        await once(signal!, "abort");
      },
      never: () => {},
    });
    const { runs, handle, ids, readLog } = openRuns(database, { slow }, { leaseMs: 600 });
    await runs.start("slow", { log: [] }, ids);
    const handled = handle(ids.runId);
    const signal = await begun.promise;
    const elsewhere = createRuns({ saver: database.openSaverElsewhere(), graphs: { slow } });
    expect(await elsewhere.cancel(ids.runId)).toMatchObject({
      status: "running",
      isCancelling: true,
    });
    expect(await handled).toMatchObject({ status: "cancelled" });
    expect(signal.aborted).toBe(true);
    expect(await readLog()).toEqual([]);
  });

  it("refuses one that has ended", async () => {
    const { runs, handle, ids } = openRuns(database, { chain });
    await runs.start("chain", { log: [] }, ids);
    await handle(ids.runId);
    await expect(runs.cancel(ids.runId)).rejects.toThrow(RunStateError);
    expect(await runs.get(ids.runId)).toMatchObject({ status: "done" });
  });
});

describe("calls about runs that are not there, or not here", () => {
  it("say so, and change nothing", async () => {
    const { runs, handle } = openRuns(database, { chain });
    expect(await runs.get("nobody")).toBeUndefined();
    for (const act of ["resume", "retry", "cancel"] as const) {
      await expect(runs[act]("nobody")).rejects.toThrow(RunNotFoundError);
    }
    await expect(handle("nobody")).rejects.toThrow(RunNotFoundError);
    await expect(runs.resume("", 1)).rejects.toThrow("run id");
  });

  it("leave a run alone whose graph or version a handler does not have", async () => {
    const { runs, ids, saver } = openRuns(database, { chain: { graph: chain, version: "2" } });
    await runs.start("chain", { log: [] }, ids);
    for (const graphs of [{ other: chain }, { chain: { graph: chain, version: "1" } }]) {
      const handle = createRunHandler({ saver, graphs });
      await expect(handle(ids.runId)).rejects.toThrow(UnknownGraphError);
    }
    expect(await runs.get(ids.runId)).toMatchObject({ status: "queued", token: 0 });
    const newer = { chain: { graph: chain, version: "3", accepts: ["2", "3"] } };
    expect(await createRunHandler({ saver, graphs: newer })(ids.runId)).toMatchObject({
      status: "done",
      version: "2",
    });
  });

  it("refuse wrong options with all that is wrong", () => {
    const saver = database.openSaver();
    expect(() => createRuns({ saver: {}, graphs: { a: 1 }, x: 1 } as never)).toThrow(
      /graphs\.a: expected a compiled graph[^]*saver: expected a MongoDBSaver|saver: expected a MongoDBSaver[^]*graphs\.a/,
    );
    expect(() => createRunHandler({ saver, graphs: { chain }, leaseMS: 1 } as never)).toThrow(
      "did you mean leaseMs",
    );
  });
});

it("lists runs by what they are, a page at a time", async () => {
  const { runs, handle, ids } = openRuns(database, { listed: chain });
  for (let index = 0; index < 5; index += 1) {
    await runs.start("listed", { log: [] }, { threadId: `${ids.threadId}-${index}` });
  }
  const first = await runs.list({ graph: "listed", limit: 3 });
  const second = await runs.list({ graph: "listed", limit: 3, cursor: first.cursor });
  expect([first.runs.length, second.runs.length, second.cursor]).toEqual([3, 2, undefined]);
  const all = [...first.runs, ...second.runs];
  expect(new Set(all.map(({ threadId }) => threadId)).size).toBe(5);
  await handle(all[0]!.runId);
  expect((await runs.list({ graph: "listed", status: "done" })).runs).toHaveLength(1);
  expect((await runs.list({ graph: "listed", status: ["done", "queued"] })).runs).toHaveLength(5);
  await expect(runs.list({ cursor: "x" })).rejects.toThrow("cursor");
});

it("refuses an input that was changed in the database", async () => {
  const { runs, handle, ids } = openRuns(database, { chain }, { maxAttempts: 1 });
  await runs.start("chain", { log: ["in"] }, ids);
  const other = { ...ids, runId: randomUUID(), threadId: randomUUID() };
  await runs.start("chain", { log: ["other"] }, other);
  const collection = database.db.collection<{ _id: string; input: unknown }>("threadkeep_runs");
  const { input } = (await collection.findOne({ _id: other.runId }))!;
  await collection.updateOne({ _id: ids.runId }, { $set: { input } });
  expect(await handle(ids.runId)).toMatchObject({
    status: "failed",
    error: { code: "CORRUPT_RUN" },
  });
});
