import { readFileSync } from "node:fs";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import { MongoDBSaver as Official } from "@langchain/langgraph-checkpoint-mongodb";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
const [uri, which, threads = "64", turns = "20"] = process.argv.slice(2);
const client = new MongoClient(uri!, { monitorCommands: true });
const dbName = "short" + Date.now();
const counts: Record<string, number> = {};
const times: Record<string, number> = {};
client.on("commandStarted", (e) => {
  counts[e.commandName] = (counts[e.commandName] ?? 0) + 1;
});
client.on("commandSucceeded", (e) => {
  times[e.commandName] = (times[e.commandName] ?? 0) + e.duration;
});
const saver: any =
  which === "official"
    ? new Official({ client: client as any, dbName })
    : new MongoDBSaver({ client, dbName });
if (saver.setup) await saver.setup();
const text = (n: number) =>
  Array.from({ length: 100 }, () => Math.random().toString(36).slice(2, 12))
    .join("")
    .slice(0, n);
const graph = new StateGraph(MessagesAnnotation)
  .addNode("m", () => ({ messages: [new AIMessage(text(1000))] }))
  .addEdge("__start__", "m")
  .compile({ checkpointer: which === "none" ? undefined : saver });
const run = async (t: string, n: number) => {
  for (let i = 0; i < n; i++)
    await graph.invoke(
      { messages: [new HumanMessage(text(1000))] },
      { configurable: { thread_id: t } },
    );
};
await run("warm", 10);
for (const k in counts) delete counts[k];
for (const k in times) delete times[k];
const srv = () => {
  try {
    const s = readFileSync(
      "/proc/" + readFileSync("/tmp/h/q/sec27101.pid", "utf8").trim() + "/stat",
      "utf8",
    ).split(" ");
    return (Number(s[13]) + Number(s[14])) * 10;
  } catch {
    return 0;
  }
};
const s0 = srv();
const cpu = process.cpuUsage();
const t0 = performance.now();
await Promise.all(Array.from({ length: Number(threads) }, (_, i) => run("t" + i, Number(turns))));
const ms = performance.now() - t0;
const c = process.cpuUsage(cpu);
const n = Number(threads) * Number(turns);
console.log(
  which,
  threads,
  "x",
  turns,
  ((n / ms) * 1000).toFixed(1),
  "turns/s; cpu",
  ((c.user + c.system) / 1000 / n).toFixed(2),
  "ms/turn; server",
  ((srv() - s0) / n).toFixed(2),
  "; commands",
  (Object.values(counts).reduce((a, b) => a + b, 0) / n).toFixed(2),
  JSON.stringify(counts),
  JSON.stringify(times),
);
await client.db(dbName).dropDatabase();
await client.close();
