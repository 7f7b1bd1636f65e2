import { Annotation, Command, interrupt, Send, START, StateGraph } from "@langchain/langgraph";
import { ERROR, INTERRUPT } from "@langchain/langgraph-checkpoint";
import {
  InvalidOptionsError,
  ThreadNotFoundError,
  type MongoDBSaver,
  type ThreadSearch,
} from "@threadkeep/checkpoint-mongo";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const saver = database.openSaver();

const State = Annotation.Root({
  answer: Annotation<string>,
  items: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
});

/** A graph that looks at where its own thread stands while its nodes run. */
function buildGraph(checkpointer: MongoDBSaver, seen: string[] = []) {
  let isBroken = true;
  return new StateGraph(State)
    .addNode("look", async (_state, { configurable }) => {
      const details = await database.openSaver().threads.get(configurable!["thread_id"] as string);
      seen.push(details!.status);
      return { items: ["looked"] };
    })
    .addNode("fan", (state: { item?: string }) => ({ items: [state.item ?? "none"] }))
    .addNode("ask", () => ({ answer: interrupt<string, string>("sure?") }))
    .addNode("fail", () => {
      if (isBroken) {
        isBroken = false;
        throw new Error("out of order");
      }
      return { items: ["mended"] };
    })
    .addEdge(START, "look")
    .addConditionalEdges("look", () => [
      new Send("fan", { item: "a" }),
      new Send("fan", { item: "b" }),
    ])
    .addEdge("fan", "ask")
    .addEdge("ask", "fail")
    .compile({ checkpointer });
}

describe("the status of a thread", () => {
  it("is busy while nodes run, interrupted, error, and idle in the end", async () => {
    const seen: string[] = [];
    const graph = buildGraph(saver, seen);
    const config = threadConfig("run");
    await graph.invoke({ items: ["start"] }, config);
    expect(seen).toEqual(["busy"]);
    const interrupted = await saver.threads.get("run");
    expect(interrupted).toMatchObject({ status: "interrupted", error: undefined });
    expect(interrupted!.interrupts).toMatchObject([{ value: { value: "sure?" } }]);
    expect(await find({ status: "interrupted", ids: ["run"] })).toEqual(["run"]);

    await expect(graph.invoke(new Command({ resume: "yes" }), config)).rejects.toThrow(
      "out of order",
    );
    const failed = await saver.threads.get("run");
    expect(failed).toMatchObject({ status: "error", interrupts: [] });
    expect(failed!.error).toMatchObject({ message: "out of order" });
    expect(await find({ status: "error", ids: ["run"] })).toEqual(["run"]);

    await graph.invoke(null, config);
    const done = await saver.threads.get("run");
    expect(done).toMatchObject({ status: "idle", interrupts: [], error: undefined });
    expect(await find({ status: "idle", ids: ["run"] })).toEqual(["run"]);
    const state = await graph.getState(config);
    expect(done).toMatchObject({
      checkpointId: state.config.configurable!["checkpoint_id"] as string,
      step: state.metadata!.step,
      checkpoints: (await Array.fromAsync(saver.list(config))).length,
    });
  });

  it("is idle or busy as LangGraph has nodes to run, at every checkpoint of a run", async () => {
    const graph = new StateGraph(State)
      .addNode("a", () => ({ items: ["a"] }))
      .addNode("b", () => ({ items: ["b"] }))
      .addNode("c", () => ({ items: ["c"] }))
      .addEdge(START, "a")
      .addEdge(START, "b")
      .addEdge(["a", "b"], "c")
      .compile({ checkpointer: saver });
    const config = threadConfig("steps");
    await graph.invoke({ items: [] }, config);
    await graph.invoke({ items: ["again"] }, config);
    const history = (await Array.fromAsync(graph.getStateHistory(config))).toReversed();
    expect(history).toHaveLength(8);
    for (const [index, { next }] of history.entries()) {
      const threadId = `steps until ${index}`;
      const tuples = (await Array.fromAsync(saver.list(config))).toReversed();
      const { checkpoint, metadata } = tuples[index]!;
      await putCheckpoint(saver, threadConfig(threadId), checkpoint, metadata);
      const expected = next.length > 0 ? "busy" : "idle";
      expect([index, (await saver.threads.get(threadId))!.status]).toEqual([index, expected]);
    }
  });

  it("is expired once the TTL has passed, and only then", async () => {
    const short = database.openSaver({ ttl: 1, ttlSlack: 0.1 });
    await putCheckpoint(short, threadConfig("short"), makeCheckpoint({ list: ["a"] }));
    expect(await find({ status: "idle", ids: ["short"] })).toEqual(["short"]);
    expect(await find({ status: "expired", ids: ["short"] })).toEqual([]);
    await sleep(1_300);
    expect(await find({ status: "idle", ids: ["short"] })).toEqual([]);
    expect(await find({ status: "expired", ids: ["short"] })).toEqual(["short"]);
  });
});

describe("a search", () => {
  it("finds by metadata: by values, by lists and objects as a whole, and by ranges", async () => {
    const threads: Record<string, Record<string, never>> = {
      m1: { user: "ada", rank: 1, tags: ["x", "y"], plan: { b: 1, a: 2 } } as never,
      m2: { user: "ada", rank: 2.5, tags: ["y", "x"] } as never,
      m3: { user: "bob", rank: 10, "a.b": true, $where: null } as never,
      m4: { user: "bob", rank: "10" } as never,
    };
    for (const [threadId, metadata] of Object.entries(threads)) {
      await saver.threads.create(threadId, { metadata });
    }
    const cases: [ThreadSearch["metadata"], string[]][] = [
      [{ user: "ada" }, ["m1", "m2"]],
      [{ user: "ada", rank: 1 }, ["m1"]],
      [{ tags: ["x", "y"] }, ["m1"]],
      [{ plan: { a: 2, b: 1 } }, ["m1"]],
      [{ rank: { $gte: 2 } }, ["m2", "m3"]],
      [{ rank: { $gt: 1, $lt: 10 } }, ["m2"]],
      [{ rank: { $lte: 2.5 } }, ["m1", "m2"]],
      [{ rank: { $gte: "0" } }, ["m4"]],
      [{ user: { $gt: "ada" }, rank: { $gte: 0 } }, ["m3"]],
      [{ "a.b": true }, ["m3"]],
      [{ $where: null }, ["m3"]],
      [{ user: "nobody" }, []],
    ];
    for (const [metadata, expected] of cases) {
      const ids = ["m1", "m2", "m3", "m4"];
      expect([metadata, (await find({ metadata, ids })).toSorted()]).toEqual([metadata, expected]);
      expect(await saver.threads.count({ metadata, ids })).toBe(expected.length);
    }
  });

  it("pages through all threads once in a stable order, also while others are updated", async () => {
    const ids = Array.from({ length: 25 }, (_, index) => `page ${String(index).padStart(2, "0")}`);
    for (const id of ids) await saver.threads.create(id, { metadata: { paged: true } });
    for (const by of ["updatedAt", "createdAt"] as const) {
      for (const order of ["asc", "desc"] as const) {
        const found: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await saver.threads.search({
            metadata: { paged: true },
            sort: { by, order },
            limit: 10,
            cursor,
          });
          found.push(...page.threads.map(({ threadId }) => threadId));
          cursor = page.cursor;
        } while (cursor !== undefined);
        expect(found).toEqual(order === "asc" ? ids : ids.toReversed());
      }
    }
  });

  it("finds what was updated after a moment", async () => {
    await saver.threads.create("early");
    const { updatedAt } = await saver.threads.create("moment");
    await sleep(5);
    await putCheckpoint(saver, threadConfig("early"), makeCheckpoint({ list: ["a"] }));
    const found = await find({ ids: ["early", "moment"], updatedAfter: updatedAt! });
    expect(found).toEqual(["early"]);
  });

  it("leaves out deleted threads, and shows none of their metadata in their next life", async () => {
    await saver.threads.create("gone", { metadata: { user: "eve" } });
    await saver.deleteThread("gone");
    expect(await find({ ids: ["gone"] })).toEqual([]);
    expect(await saver.threads.get("gone")).toBeUndefined();
    await putCheckpoint(saver, threadConfig("gone"), makeCheckpoint({ list: ["new"] }));
    expect(await saver.threads.get("gone")).toMatchObject({ metadata: {}, status: "idle" });
  });

  it("refuses what it does not know, naming each option", async () => {
    const wrong: [object, RegExp][] = [
      [{ status: "sleeping" }, /status/],
      [{ limit: 0 }, /limit/],
      [{ limit: 1_001 }, /limit/],
      [{ metdata: {} }, /did you mean "?metadata/],
      [{ cursor: "what" }, /cursor/],
      [{ metadata: { a: { $gte: 1, $lt: "b" } } }, /metadata\.a/],
      [{ metadata: { a: { $gte: 1, $ne: 2 } } }, /metadata\.a/],
      [{ metadata: { a: 1n } }, /metadata\.a/],
      [{ sort: { by: "name" } }, /sort\.by/],
      [{ updatedAfter: "today" }, /updatedAfter/],
    ];
    for (const [search, message] of wrong) {
      const error = await saver.threads.search(search as ThreadSearch).catch((e: unknown) => e);
      expect(InvalidOptionsError.isInstance(error)).toBe(true);
      expect((error as Error).message).toMatch(message);
    }
    const { cursor } = await saver.threads.search({ limit: 1 });
    const other = saver.threads.search({ cursor, sort: { by: "createdAt" } });
    await expect(other).rejects.toThrow(/cursor of the same sort/);
  });
});

describe("a thread's metadata", () => {
  it("is merged, and kept by later steps", async () => {
    await putCheckpoint(saver, threadConfig("meta"), makeCheckpoint({ list: ["a"] }));
    await saver.threads.update("meta", { metadata: { user: "ada", title: "one" } });
    await saver.threads.update("meta", { metadata: { title: "two", extra: [1, { a: null }] } });
    await putCheckpoint(saver, threadConfig("meta"), makeCheckpoint({ list: ["a"] }));
    const expected = { user: "ada", title: "two", extra: [1, { a: null }] };
    expect((await saver.threads.get("meta"))!.metadata).toEqual(expected);
    expect(await find({ metadata: { title: "one" } })).toEqual([]);
  });

  it("loses nothing when several change it at once", async () => {
    await saver.threads.create("many");
    const keys = Array.from({ length: 8 }, (_, index) => `key${index}`);
    await Promise.all(keys.map((key) => saver.threads.update("many", { metadata: { [key]: 1 } })));
    const { metadata } = (await saver.threads.get("many"))!;
    expect(Object.keys(metadata).toSorted()).toEqual(keys);
  });

  it("is refused for a thread that is not there, and if JSON does not have it", async () => {
    const missing = await saver.threads.update("nobody", { metadata: {} }).catch((e: unknown) => e);
    expect(ThreadNotFoundError.isInstance(missing)).toBe(true);
    expect(await database.readAll("nobody")).toEqual([]);
    for (const bad of [new Date(), Number.NaN, () => 1, "\uD800", "x".repeat(17_000)]) {
      const refused = saver.threads.create("bad", { metadata: { bad: bad as never } });
      await expect(refused).rejects.toThrow(/metadata/);
    }
    expect(await saver.threads.get("bad")).toSatisfy(
      (thread) =>
        thread === undefined || Object.keys((thread as { metadata: object }).metadata).length === 0,
    );
  });
});

describe("where a thread stands", () => {
  const waiting: [string, unknown][] = [[INTERRUPT, ["?"]]];

  it.each([
    ["with", [0, 1]],
    ["before", [1, 0]],
  ])("shows an interrupt that is stored %s its checkpoint", async (name, order) => {
    const thread = threadConfig(`early ${name}`);
    // Large, so that its writes are there first.
    const checkpoint = makeCheckpoint({ text: "long ".repeat(200_000) });
    const calls = [
      () => putCheckpoint(saver, thread, checkpoint),
      () =>
        saver.putWrites(
          threadConfig(`early ${name}`, { checkpointId: checkpoint.id }),
          waiting,
          "task",
        ),
    ];
    await Promise.all(order.map((index) => calls[index]!()));
    const record = await readRecord(`early ${name}`);
    expect(record!["moving"] ?? []).toEqual([]);
    const standing = await database
      .documents("checkpoint")
      .findOne({ thread_id: `early ${name}`, head: true });
    expect(standing).toMatchObject({ stands: { code: 2 } });
    const { threads } = await saver.threads.search({ ids: [`early ${name}`] });
    expect(threads).toMatchObject([{ status: "interrupted" }]);
  });

  it("shows in every search what another process has left to be found out", async () => {
    const checkpoint = makeCheckpoint({ list: [1] });
    const config = threadConfig("left", { checkpointId: checkpoint.id });
    await database.openSaverElsewhere().putWrites(config, waiting, "task");
    await putCheckpoint(saver, threadConfig("left"), checkpoint);
    const { threads } = await saver.threads.search({ ids: ["left"] });
    expect(threads).toMatchObject([{ status: "interrupted" }]);
  });

  it("still shows an interrupt when its checkpoint gets other content", async () => {
    const checkpoint = makeCheckpoint({ list: [1] });
    const config = await putCheckpoint(saver, threadConfig("again"), checkpoint);
    await saver.putWrites(config, waiting, "task");
    const changed = { ...checkpoint, channel_values: { list: [2] } };
    await putCheckpoint(saver, threadConfig("again"), changed);
    const { threads } = await saver.threads.search({ ids: ["again"] });
    expect(threads).toMatchObject([{ status: "interrupted" }]);
  });

  it("is that of the latest checkpoint, whichever of several writers ends last", async () => {
    const savers = Array.from({ length: 6 }, () => database.openSaver());
    await putCheckpoint(saver, threadConfig("writers"), busy(0));
    await Promise.all(
      savers.map(async (one, index) => {
        for (let step = 0; step < 4; step += 1) {
          const tuple = await one.getTuple(threadConfig("writers"));
          const next =
            (index + step) % 2 === 0 ? busy(step) : makeCheckpoint({ list: [index, step] });
          const config = await putCheckpoint(one, tuple!.config, next);
          if (index === 0) await one.putWrites(config, [[INTERRUPT, ["?"]]], "task");
        }
      }),
    );
    const { seq, code } = await derive("writers");
    const standing = await database
      .documents("checkpoint")
      .find({ thread_id: "writers", head: true })
      .toArray();
    expect(standing).toMatchObject([{ seq, stands: { code } }]);
    expect((await readRecord("writers"))!["moving"] ?? []).toEqual([]);
  });

  it("is raised by an interrupt and an error of the root graph, not of a subgraph", async () => {
    const config = await putCheckpoint(saver, threadConfig("raised"), makeCheckpoint({ list: [] }));
    const inner = threadConfig("raised", { namespace: "sub:1" });
    const sub = await putCheckpoint(saver, inner, makeCheckpoint({ list: [1] }));
    await saver.putWrites(sub, [[INTERRUPT, [{ value: "?" }]]], "t");
    expect(await find({ ids: ["raised"], status: "idle" })).toEqual(["raised"]);
    await saver.putWrites(config, [[INTERRUPT, [{ value: "?" }]]], "t");
    expect(await find({ ids: ["raised"], status: "interrupted" })).toEqual(["raised"]);
    await saver.putWrites(config, [[ERROR, new Error("no")]], "u");
    expect(await find({ ids: ["raised"], status: "error" })).toEqual(["raised"]);
    // Written to an older checkpoint, nothing changes.
    await putCheckpoint(saver, config, makeCheckpoint({ list: [2] }));
    await database.openSaver().putWrites(config, [[ERROR, new Error("late")]], "v");
    expect(await find({ ids: ["raised"], status: "idle" })).toEqual(["raised"]);
  });

  it("is the same in every search, also where an interrupt was stored before its checkpoint", async () => {
    const next = busy(1);
    const config = threadConfig("early", { checkpointId: next.id });
    await saver.putWrites(config, [[INTERRUPT, [{ value: "?" }]]], "t");
    await putCheckpoint(saver, threadConfig("early"), next);
    await saver.threads.update("early", { metadata: { early: true } });
    const searches: readonly ThreadSearch[] = [
      { updatedAfter: new Date(0), limit: 1_000 },
      { sort: { by: "createdAt" }, limit: 1_000 },
      { ids: ["early"] },
      { metadata: { early: true } },
    ];
    for (const search of searches) {
      // As if nobody had looked yet.
      await database
        .documents("thread")
        .updateOne({ thread_id: "early" }, { $set: { moving: ["0"] } });
      await database
        .documents("checkpoint")
        .updateOne({ thread_id: "early", head: true }, { $set: { "stands.code": 1 } });
      const { threads } = await saver.threads.search(search);
      expect(threads.find(({ threadId }) => threadId === "early")).toMatchObject({
        status: "interrupted",
      });
    }
  });

  it("takes no further command of a put, and changes no further document, whatever the status", async () => {
    let config = await putCheckpoint(saver, threadConfig("costs"), busy(0));
    const record = await readRecord("costs");
    for (const next of [busy(1), makeCheckpoint({ list: ["idle"] }), busy(2)]) {
      const commands = await database.recordCommands(async () => {
        config = await putCheckpoint(saver, config, next, makeMetadata({ step: 1 }));
      });
      expect(commands).toEqual(["update"]);
    }
    expect(await readRecord("costs")).toEqual(record);
    expect(await countStanding("costs")).toBe(1);
  });

  it("is put right by get where it was damaged, and breaks no search", async () => {
    await putCheckpoint(saver, threadConfig("damaged"), busy(0));
    for (const stands of [{ code: "busy", at: new Date() }, { code: 1, at: 7 }, null, 3]) {
      const checkpoints = database.documents("checkpoint");
      await checkpoints.updateOne({ thread_id: "damaged" }, { $set: { stands } });
      expect((await find({})).length).toBeGreaterThan(0);
      expect(await find({ ids: ["damaged"] })).toEqual(["damaged"]);
      expect((await saver.threads.get("damaged"))!.status).toBe("busy");
      expect(await find({ ids: ["damaged"], status: "busy" })).toEqual(["damaged"]);
    }
  });

  it("is found once of a thread that was created first and then written to", async () => {
    await saver.threads.create("begun", { metadata: { kind: "begun" } });
    expect(await findOnce("begun", "idle")).toEqual(["begun"]);
    const config = await putCheckpoint(saver, threadConfig("begun"), busy(0));
    expect(await findOnce("begun", "idle")).toEqual([]);
    expect(await findOnce("begun", "busy")).toEqual(["begun"]);
    await saver.threads.create("begun", { metadata: { more: 1 } });
    await saver.putWrites(config, [[INTERRUPT, [{ value: "?" }]]], "t");
    expect(await findOnce("begun", "busy")).toEqual([]);
    expect(await findOnce("begun", "interrupted")).toEqual(["begun"]);
    expect(await countStanding("begun")).toBe(1);
  });
});

describe("what a thread takes", () => {
  it("is counted in checkpoints and bytes, and of each channel", async () => {
    let config = threadConfig("sizes");
    const long = Array.from({ length: 400 }, (_, index) => `${index} ${Math.sin(index)}`);
    for (const step of [100, 200, 400]) {
      const values = { long: long.slice(0, step), short: `${step}`.repeat(100) };
      const versions = { long: step, short: step };
      config = await putCheckpoint(saver, config, makeCheckpoint(values, { versions }));
    }
    const details = (await saver.threads.get("sizes", { channels: true }))!;
    expect(details.checkpoints).toBe(3);
    const segments = (await database.readAll("sizes")).filter(({ kind }) => kind === "segment");
    expect(segments.length).toBeGreaterThan(0);
    const { long: longBytes, short: shortBytes } = details.channels!;
    expect(longBytes).toBeGreaterThan(shortBytes!);
    expect(details.bytes).toBeGreaterThan(longBytes! + shortBytes!);
  });
});

/** A checkpoint that has a node to run. */
function busy(step: number) {
  return makeCheckpoint({ list: [step], "branch:to:next": null });
}

async function find(search: ThreadSearch): Promise<string[]> {
  const { threads } = await database.openSaver().threads.search({ limit: 100, ...search });
  return threads.map(({ threadId }) => threadId);
}

/** The thread as often as all pages of a search by status have it. */
async function findOnce(threadId: string, status: "idle" | "busy" | "interrupted") {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await saver.threads.search({ status, limit: 3, cursor });
    found.push(...page.threads.map((thread) => thread.threadId));
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(await saver.threads.count({ status })).toBe(found.length);
  return found.filter((id) => id === threadId);
}

/** How many documents say where a thread stands. */
async function countStanding(threadId: string) {
  return (await database.readAll(threadId)).filter((document) => "stands" in document).length;
}

function readRecord(threadId: string) {
  return database.documents("thread").findOne({ thread_id: threadId });
}

/** Where the thread stands by its latest checkpoint alone. */
async function derive(threadId: string) {
  const [head] = await database
    .documents("checkpoint")
    .find({ thread_id: threadId, checkpoint_ns: "" })
    .sort({ seq: -1 })
    .limit(1)
    .toArray();
  const tuple = await database.openSaver().getTuple(threadConfig(threadId));
  const hasInterrupt = tuple!.pendingWrites!.some(([, channel]) => channel === INTERRUPT);
  const isBusy = "branch:to:next" in tuple!.checkpoint.channel_values;
  return { seq: head!["seq"] as number, code: hasInterrupt ? 2 : Number(isBusy) };
}

describe("the ids of all threads", () => {
  it("are each there once, also of a thread whose record is lost", async () => {
    for (const threadId of ["whole", "lost"]) {
      await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ list: [1] }));
    }
    await database.documents("thread").deleteOne({ thread_id: "lost" });
    const ids = await Array.fromAsync(saver.threads.ids());
    expect(ids).toEqual([...new Set(ids)]);
    expect(ids).toEqual(expect.arrayContaining(["whole", "lost"]));
  });
});
