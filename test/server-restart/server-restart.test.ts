import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { asNewProcess } from "../checkpoint-mongo/new-process.ts";
import { RecordingSaver } from "./recording-saver.ts";
import { RestartableServer } from "./restartable-server.ts";
import { ServerKiller } from "./server-killer.ts";

// At each start the server recovers what it has in its journal.
vi.setConfig({ testTimeout: 60_000 });

const ROUNDS = 4;
const TASKS = Array.from({ length: ROUNDS }, (_, round) => [
  `left ${round}`,
  `right ${round}`,
  `count ${round}`,
]).flat();

/** `THREADKEEP_RESTARTS=100 npm test -- test/server-restart` for more. */
const RESTARTS = Number(process.env["THREADKEEP_RESTARTS"] ?? 12);

let server: RestartableServer;
let client: MongoClient;

beforeAll(async () => {
  server = await RestartableServer.start();
  client = new MongoClient(server.uri, { monitorCommands: true });
});

afterAll(async () => {
  // In this order: a client that is closed waits for a server to say goodbye to.
  await client.close();
  await server.remove();
});

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  round: Annotation<number>,
});

const Counter = Annotation.Root({ log: State.spec.log });

/** In each round two tasks side by side and one after them; `onTask` is called as one begins. */
function compile(
  checkpointer: MongoDBSaver,
  onTask: (task: string) => void | Promise<void> = () => {},
) {
  const work =
    (name: string) =>
    async ({ round }: typeof State.State) => {
      await onTask(`${name} ${round}`);
      return { log: [`${name} ${round} ${randomBytes(10_000).toString("base64")}`] };
    };
  return new StateGraph(State)
    .addNode("left", work("left"))
    .addNode("right", work("right"))
    .addNode("count", async ({ round }) => {
      await onTask(`count ${round}`);
      return { round: round + 1 };
    })
    .addEdge(START, "left")
    .addEdge(START, "right")
    .addEdge(["left", "right"], "count")
    .addConditionalEdges("count", ({ round }) => (round < ROUNDS ? ["left", "right"] : []))
    .compile({ checkpointer });
}

function threadConfig(threadId: string) {
  return { configurable: { thread_id: threadId }, durability: "sync" as const };
}

/** Begins a thread, or continues with it if it has a checkpoint, as whoever has just its id does. */
async function run(
  graph: ReturnType<typeof compile>,
  thread: ReturnType<typeof threadConfig>,
): Promise<unknown> {
  const { createdAt } = await graph.getState(thread);
  return graph.invoke(createdAt === undefined ? { log: [], round: 0 } : null, thread);
}

describe("a run whose server is killed and started again", () => {
  it("between two supersteps continues as if nothing had happened", async () => {
    const saver = new RecordingSaver({ client });
    const ran: string[] = [];
    const graph = compile(saver, async (task) => {
      ran.push(task);
      if (task !== "count 1") return;
      await server.kill();
      await server.restart();
    });
    await run(graph, threadConfig("between"));
    expect(ran).toEqual(TASKS);
    await expectComplete("between", saver);
  });

  it("while it stores something continues, and repeats nothing that was stored", async () => {
    const thread = threadConfig("while");
    const saver = new RecordingSaver({ client });
    const ran: string[] = [];
    const graph = compile(saver, (task) => void ran.push(task));
    using killer = new ServerKiller(server, client, [1, 4]);
    await run(graph, thread);
    await killer.restarted;
    expect(killer.left).toBe(0);
    expect(killer.cutCommands).toBeGreaterThan(0);
    expect(ran.toSorted()).toEqual(TASKS.toSorted());
    await expectComplete("while", saver);
  });

  it(
    `again and again, ${RESTARTS} times, continues to its end`,
    { timeout: RESTARTS * 10_000 },
    async () => {
      const saver = new RecordingSaver({ client });
      let steps = 0;
      const graph = new StateGraph(Counter)
        .addNode("count", ({ log }) => {
          steps += 1;
          return { log: [`step ${log.length} ${randomBytes(100).toString("base64")}`] };
        })
        .addEdge(START, "count")
        .addConditionalEdges("count", ({ log }) =>
          log.length < 200 || killer.left > 0 ? ["count"] : [],
        )
        .compile({ checkpointer: saver });
      const points = Array.from({ length: RESTARTS }, (_, index) => 1 + ((index * 7) % 20));
      using killer = new ServerKiller(server, client, points);
      const config = { ...threadConfig("again and again"), recursionLimit: 1_000_000 };
      const { log } = await graph.invoke({ log: [] }, config);
      await killer.restarted;
      expect(log).toHaveLength(steps);
      const reader = new MongoDBSaver({ client: asNewProcess(client) });
      expect((await reader.verifyThread("again and again")).damages).toEqual([]);
      const stored = await Array.fromAsync(reader.list(threadConfig("again and again")));
      // Each once: the input and every step.
      expect(stored).toHaveLength(saver.checkpoints.length);
      expect(stored).toHaveLength(steps + 2);
    },
  );

  it("only after the retries fails with an error that names the server, never reports a thread as empty, and continues by its thread id", async () => {
    const thread = threadConfig("later");
    const impatient = new MongoClient(server.uri, { serverSelectionTimeoutMS: 500 });
    const saver = new RecordingSaver({ client: impatient, retry: { deadlineMs: 1_000 } });
    const ran: string[] = [];
    let isKilled = false;
    const graph = compile(saver, async (task) => {
      ran.push(task);
      if (task !== "right 2" || isKilled) return;
      isKilled = true;
      // By now the other task has stored what it did.
      await vi.waitFor(() => expect(storedTasks(saver)).toContain("left 2"));
      await server.kill();
    });
    await expect(run(graph, thread)).rejects.toThrow(new URL(server.uri).host);
    await expect(graph.getState(thread)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    await server.restart();

    await run(graph, thread);
    // This one had run, but what it did could not be stored.
    expect(ran.filter((task) => task === "right 2")).toHaveLength(2);
    expect(ran).toHaveLength(TASKS.length + 1);
    await expectComplete("later", saver);
    await impatient.close();
  });
});

function storedTasks({ writes }: RecordingSaver): string[] {
  return writes.flatMap(({ values }) => values.filter(Array.isArray).flatMap(readTasks));
}

function readTasks(log: readonly string[]): string[] {
  return log.map((line) => line.split(" ", 2).join(" "));
}

/** The thread is at its end, and all that was acknowledged is there for who knows nothing of it. */
async function expectComplete(threadId: string, acknowledged: RecordingSaver): Promise<void> {
  const reader = new MongoDBSaver({ client: asNewProcess(client) });
  for (const config of acknowledged.checkpoints) {
    expect((await reader.getTuple(config))?.config).toEqual(config);
  }
  for (const { config, taskId, values } of acknowledged.writes) {
    const { pendingWrites = [] } = (await reader.getTuple(config))!;
    const written = pendingWrites.filter(([task]) => task === taskId);
    expect(written.map(([, , value]) => value)).toEqual(values);
  }
  expect((await reader.verifyThread(threadId)).damages).toEqual([]);
  const state = await compile(reader).getState(threadConfig(threadId));
  expect(state.next).toEqual([]);
  expect(readTasks((state.values as typeof State.State).log)).toEqual(
    TASKS.filter((task) => !task.startsWith("count")),
  );
}
