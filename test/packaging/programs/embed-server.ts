/**
 * LangGraph's API in a server of one's own: a run is interrupted, answered through another server,
 * and read back with its history.
 */
import { Annotation, interrupt, START, StateGraph } from "@langchain/langgraph";
import { createEmbedServer } from "@langchain/langgraph-api/experimental/embed";
import { createThreadSaver, MongoDBSaver, MongoDBStore } from "@threadkeep/checkpoint-mongo";

const [uri, dbName] = process.argv.slice(2);
const THREAD = "6d1f7b1e-0c57-4f0e-9d1e-3f1a5a0c2b11";

const store = await MongoDBStore.fromConnString(uri!, { dbName });

const open = (checkpointer: MongoDBSaver) => {
  const asks = new StateGraph(
    Annotation.Root({ answer: Annotation<string>, seen: Annotation<number> }),
  )
    .addNode("ask", async (_state, runtime) => {
      await runtime.store?.put(["runs"], "asked", { asked: true });
      return { answer: interrupt<string, string>("sure?") };
    })
    .addEdge(START, "ask")
    .compile();
  // Its declarations do not fit LangGraph's graphs.
  const graph = { asks } as unknown as Parameters<typeof createEmbedServer>[0]["graph"];
  return createEmbedServer({
    graph,
    threads: createThreadSaver(checkpointer),
    checkpointer,
    store,
  });
};

async function post(app: ReturnType<typeof open>, path: string, body: unknown): Promise<string> {
  const response = await app.request(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.text();
}

const first = MongoDBSaver.fromConnString(uri!, { dbName });
const second = MongoDBSaver.fromConnString(uri!, { dbName });
const before = open(first);
await post(before, "/threads", { thread_id: THREAD });
await post(before, `/threads/${THREAD}/runs/stream`, {
  assistant_id: "asks",
  input: { seen: 1 },
});
const after = open(second);
await post(after, `/threads/${THREAD}/runs/stream`, {
  assistant_id: "asks",
  command: { resume: "yes" },
});
const state = (await (await after.request(`/threads/${THREAD}/state`)).json()) as {
  values: unknown;
  next: unknown;
};
const history = JSON.parse(await post(after, `/threads/${THREAD}/history`, { limit: 10 })) as {
  values: unknown;
  metadata: { source: string };
}[];
const found = JSON.parse(
  await post(after, "/threads/search", { metadata: { graph_id: "asks" } }),
) as { thread_id: string; status: string }[];
console.log(
  JSON.stringify({
    found: found.map(({ thread_id, status }) => [thread_id === THREAD, status]),
    values: state.values,
    next: state.next,
    history: history.map(({ values, metadata }) => [metadata.source, values]),
    stored: (await store.search(["runs"])).length > 0,
  }),
);
await store.stop();
await first.close();
await second.close();
