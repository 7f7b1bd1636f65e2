/**
 * Takes a thread a turn further, or reads all of it: run in turn by several runtimes, so that each has
 * to understand what the others have stored.
 */
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import {
  Annotation,
  Command,
  interrupt,
  MessagesAnnotation,
  StateGraph,
} from "@langchain/langgraph";
import { MongoDBCache, MongoDBSaver, MongoDBStore } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { createHash } from "node:crypto";

const State = Annotation.Root({
  ...MessagesAnnotation.spec,
  /** So large that it is compressed with zstd. */
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  /** So long that it is stored in chunks. */
  text: Annotation<string>({ reducer: (a, b) => a + b, default: () => "" }),
  /** What only this package's encoding keeps. */
  seen: Annotation<Map<string, Date>>({
    reducer: (a, b) => new Map([...a, ...b]),
    default: () => new Map(),
  }),
});

function build(checkpointer: MongoDBSaver) {
  return new StateGraph(State)
    .addNode("answer", ({ messages }) => {
      const turn = messages.length;
      const words = Array.from({ length: 400 }, (_, n) => `turn ${turn}, line ${n}`);
      return {
        messages: [new AIMessage(`answer ${turn}: ${words.slice(0, 20).join(" ")}`)],
        log: words,
        text: words.join("\n").repeat(20),
        seen: new Map([[`turn ${turn}`, new Date(turn)]]),
      };
    })
    .addNode("ask", ({ messages }) => ({
      messages: [new HumanMessage(interrupt<string, string>(`go on after ${messages.length}?`))],
    }))
    .addEdge("__start__", "answer")
    .addEdge("answer", "ask")
    .compile({ checkpointer });
}

const config = { configurable: { thread_id: "relay" } };

async function takeTurn(client: MongoClient, dbName: string): Promise<object> {
  const graph = build(new MongoDBSaver({ client, dbName }));
  const state = await graph.getState(config);
  // The question that another runtime was left with is answered by this one.
  if (state.next.length > 0) await graph.invoke(new Command({ resume: "go on" }), config);
  await graph.invoke({ messages: [new HumanMessage("a question")] }, config);
  await new MongoDBStore({ client, dbName }).put(["relay"], "last", { at: new Date(1), on: true });
  await new MongoDBCache({ client, dbName }).set([
    { key: [["relay"], "key"], value: { text: "cached ".repeat(100), at: new Date(2) } },
  ]);
  return {};
}

async function readAll(client: MongoClient, dbName: string): Promise<object> {
  const saver = new MongoDBSaver({ client, dbName });
  const hash = createHash("sha256");
  let checkpoints = 0;
  let writes = 0;
  for await (const tuple of saver.list(config)) {
    checkpoints += 1;
    writes += tuple.pendingWrites?.length ?? 0;
    const single = await saver.getTuple(tuple.config);
    for (const { checkpoint, metadata, pendingWrites } of [tuple, single!]) {
      const seen = [...((checkpoint.channel_values["seen"] as Map<string, Date>) ?? [])];
      hash.update(JSON.stringify([checkpoint, metadata, pendingWrites, seen]));
    }
  }
  const { damages } = await saver.verifyThread("relay");
  const { values, next } = await build(saver).getState(config);
  const { messages, log, text, seen } = values as typeof State.State;
  const item = await new MongoDBStore({ client, dbName }).get(["relay"], "last");
  const [entry] = await new MongoDBCache({ client, dbName }).get([[["relay"], "key"]]);
  return {
    checkpoints,
    writes,
    digest: hash.digest("hex"),
    damages,
    next,
    messages: messages.length,
    areMessages: messages.every(
      (message) => message instanceof AIMessage || message instanceof HumanMessage,
    ),
    log: log.length,
    text: text.length,
    areDates: [...seen.values()].every((date) => date instanceof Date),
    stored: item?.value,
    cached: entry?.value,
  };
}

async function main(uri: string, dbName: string, action: string): Promise<void> {
  const client = new MongoClient(uri);
  console.log(JSON.stringify(await (action === "turn" ? takeTurn : readAll)(client, dbName)));
  await client.close();
}

void main(process.argv[2]!, process.argv[3]!, process.argv[4]!);
