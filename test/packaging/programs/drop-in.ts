/**
 * A program that was written for the official package, with mongoose: a subclass of the saver that
 * keeps a log, a graph that asks and is answered, forks, the store, and the odd ways in which savers
 * are called. Prints what it saw, without what differs from run to run.
 */
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  Annotation,
  Command,
  interrupt,
  MessagesAnnotation,
  Send,
  START,
  StateGraph,
  type LangGraphRunnableConfig,
} from "@langchain/langgraph";
import {
  emptyCheckpoint,
  uuid6,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
} from "@langchain/langgraph-checkpoint";
import { MongoDBSaver, MongoDBStore } from "@langchain/langgraph-checkpoint-mongodb";
import mongoose from "mongoose";

const [uri, dbName] = process.argv.slice(2);

/** Notes in the same database what is put. */
class LoggingSaver extends MongoDBSaver {
  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
  ): Promise<RunnableConfig> {
    const stored = await super.put(config, checkpoint, metadata);
    await this.db.collection<{ step: number; source: string }>("put_log").insertOne({
      step: metadata.step,
      source: metadata.source,
    });
    return stored;
  }

  async readLog(): Promise<string[]> {
    const entries = await this.db.collection("put_log").find().sort({ _id: 1 }).toArray();
    return entries.map((entry) => `${String(entry["source"])} ${String(entry["step"])}`);
  }

  async describe(): Promise<object> {
    const reply = await this.client.db("admin").command({ ping: 1 });
    return {
      ok: reply["ok"] as unknown,
      database: this.db.databaseName === dbName,
      checkpoints: this.checkpointCollectionName,
      writes: this.checkpointWritesCollectionName,
      timestamps: this.enableTimestamps,
      ttl: this.ttl,
    };
  }
}

const State = Annotation.Root({
  ...MessagesAnnotation.spec,
  notes: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  due: Annotation<Date>,
});

function buildGraph() {
  return new StateGraph(State)
    .addNode("plan", ({ messages }) => ({
      messages: [new AIMessage(`plan of ${messages.length}`)],
      due: new Date(0),
    }))
    .addNode("work", ({ part }: { part: number }) => ({ notes: [`part ${part}`] }))
    .addNode("ask", async ({ messages }, { store }: LangGraphRunnableConfig) => {
      const answer = interrupt<string, string>("go on?");
      await store!.put(["answers", "of users"], `${messages.length}`, { answer });
      return { messages: [new HumanMessage(answer)] };
    })
    .addEdge(START, "plan")
    .addConditionalEdges("plan", () => [
      ...[1, 2, 3].map((part) => new Send("work", { part })),
      "ask",
    ]);
}

/** What one can say of a tuple in any run. */
function describe({ checkpoint, metadata, parentConfig, pendingWrites, config }: CheckpointTuple) {
  return {
    values: checkpoint.channel_values,
    source: metadata?.source,
    step: metadata?.step,
    hasParent: parentConfig !== undefined,
    writes: (pendingWrites ?? []).map(([, channel, value]) => [channel, value]),
    namespace: config.configurable?.["checkpoint_ns"] as unknown,
  };
}

const seen: [what: string, value: unknown][] = [];
const print = (what: string, value: unknown) => seen.push([what, value]);

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

const list = async (saver: MongoDBSaver, ...args: Parameters<MongoDBSaver["list"]>) =>
  (await collect(saver.list(...args))).map(describe);

await mongoose.connect(uri!);
// The official package wants the client of its own copy of the driver, by type.
type Client = ConstructorParameters<typeof MongoDBSaver>[0]["client"];
const client = mongoose.connection.getClient() as unknown as Client;
const saver = new LoggingSaver({ client, dbName: dbName! });
const setupErrors = await saver.setup();
if (setupErrors.length > 0) throw new AggregateError(setupErrors);
print("setup", setupErrors);
print("again", await saver.setup());
print("saver", await saver.describe());
print(
  "with ttl",
  await new LoggingSaver({
    client,
    dbName: dbName!,
    checkpointCollectionName: "other_checkpoints",
    checkpointWritesCollectionName: "other_writes",
    ttl: 3_600,
  }).describe(),
);

// The store
const store = new MongoDBStore({ client, dbName: dbName!, collectionName: "memories" });
await store.start();
for (const [key, kind] of Object.entries({ tea: "drink", soup: "food", juice: "drink" })) {
  await store.put(["users", "ada", "likes"], key, { kind, since: key.length });
}
await store.put(["users", "bob"], "name", { text: "Bob" });
await store.delete(["users", "ada", "likes"], "juice");
const tea = await store.get(["users", "ada", "likes"], "tea");
print("get", [tea?.value, tea?.key, tea?.namespace, tea?.createdAt instanceof Date]);
print("get nothing", await store.get(["users", "ada", "likes"], "juice"));
const found = await store.search(["users", "ada"], { filter: { kind: "drink" } });
print(
  "search",
  found.map(({ key, value }) => [key, value]),
);
const namespaces = await store.listNamespaces({ prefix: ["users"] });
print("namespaces", namespaces.map((namespace) => namespace.join("/")).toSorted());

// A graph
const graph = buildGraph().compile({ checkpointer: saver, store });
const config = { configurable: { thread_id: "drop-in" } };
const interrupted = await graph.invoke({ messages: [new HumanMessage("begin")] }, config);
print("interrupted", [interrupted.notes, (await graph.getState(config)).next]);
const answered = await graph.invoke(new Command({ resume: "yes" }), config);
print("answered", [answered.messages.map(({ text }) => text), answered.notes, answered.due]);
const answers = await store.search(["answers", "of users"]);
print(
  "answers",
  answers.map(({ value }) => value),
);
await graph.updateState(config, { notes: ["edited"] }, "work");
const history = await collect(graph.getStateHistory(config));
print(
  "history",
  history.map(({ metadata, next, values }) => [
    metadata?.source,
    metadata?.step,
    next,
    (values as typeof State.State).notes,
  ]),
);
const beginning = history.find(({ metadata }) => metadata?.step === 0)!;
const forked = await graph.invoke(null, beginning.config);
print("forked", forked.notes);

// Calls as programs make them
const thread = { configurable: { thread_id: "by hand", checkpoint_ns: "" } };
const ids: string[] = [];
let at: RunnableConfig = thread;
for (const [step, text] of ["a", "b", "c"].entries()) {
  const checkpoint = { ...emptyCheckpoint(), id: uuid6(step) };
  checkpoint.channel_values = { text, unversioned: step };
  checkpoint.channel_versions = { text: step + 1 };
  ids.push(checkpoint.id);
  at = await saver.put(at, checkpoint, {
    source: step === 0 ? "input" : "loop",
    step,
    parents: {},
  });
}
print("returned", [at.configurable?.["checkpoint_id"] === ids[2], Object.keys(at.configurable!)]);
await saver.putWrites(at, [["text", "d"]], "task");
await saver.putWrites(at, [], "nothing");
print("latest", describe((await saver.getTuple(thread))!));
print(
  "without namespace",
  describe((await saver.getTuple({ configurable: { thread_id: "by hand" } }))!),
);
print("get", (await saver.get(thread))?.channel_values);
print("no thread", await saver.getTuple({}));
print("unknown", await saver.getTuple({ configurable: { thread_id: "unknown" } }));
print("list", await list(saver, thread));
print("list with undefined", await list(saver, thread, undefined));
print(
  "list with undefined options",
  await list(saver, thread, {
    limit: undefined,
    before: undefined,
    filter: undefined,
  } as unknown as Parameters<MongoDBSaver["list"]>[1]),
);
print("limit", await list(saver, thread, { limit: 1 }));
print("empty filter", (await list(saver, thread, { filter: {} })).length);
print("filter", await list(saver, thread, { filter: { source: "loop", step: 1 } }));
print("filter that nothing fits", await list(saver, thread, { filter: { source: "update" } }));
const before = { configurable: { thread_id: "by hand", checkpoint_id: ids[1]! } };
print("before", await list(saver, thread, { before }));
print("before nothing", (await list(saver, thread, { before: { configurable: {} } })).length);
print("all threads", (await list(saver, { configurable: {} }, { filter: { step: 2 } })).length);
print("wrong", await saver.getTuple({ configurable: { thread_id: 1 } }).catch(() => "refused"));
await saver.deleteThread("by hand");
await saver.deleteThread("never there");
print("deleted", [await saver.getTuple(thread), await list(saver, thread)]);
print("log", await saver.readLog());

await store.stop();
// Theirs is ours: nobody closed it.
print("client", (await mongoose.connection.db!.admin().ping())["ok"]);
await mongoose.disconnect();
console.log(JSON.stringify(seen));
