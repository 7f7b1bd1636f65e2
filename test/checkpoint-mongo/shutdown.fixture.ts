/**
 * A worker that the test of the shutdown hooks starts: runs a graph of endless steps on a thread, and says what
 * happens, a line for each thing.
 */
import { Annotation, StateGraph } from "@langchain/langgraph";
import { installShutdownHooks, MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { setTimeout as sleep } from "node:timers/promises";

const [uri = "", dbName = "", threadId = "", mode = "tracked"] = process.argv.slice(2);
const saver = MongoDBSaver.fromConnString(uri, { dbName });

const State = Annotation.Root({ steps: Annotation<number> });
const graph = new StateGraph(State)
  .addNode("step", async ({ steps }) => {
    say(`step ${steps}`);
    // Longer than any deadline.
    await sleep(mode === "slow" || mode === "stuck" ? 120_000 : 100);
    // The one in which the signal is to come, however late the test hears of it.
    if (mode === "tracked" && steps === 2) {
      while (!hooks.isShuttingDown) await sleep(20);
    }
    return { steps: steps + 1 };
  })
  .addEdge("__start__", "step")
  .addConditionalEdges("step", () => "step")
  .compile({ checkpointer: saver });

const hooks = installShutdownHooks(saver, {
  deadlineMs: mode === "slow" ? 500 : 20_000,
  onReport: ({ reason, isComplete, unfinishedRuns, unsaved }) =>
    say(
      `report ${JSON.stringify({ reason, isComplete, unfinishedRuns, unsaved: unsaved.length })}`,
    ),
});

const config = { configurable: { thread_id: threadId }, recursionLimit: 10_000 };
const run = graph.invoke({ steps: 0 }, config);
try {
  await (mode === "untracked" ? run : hooks.track(run));
} catch (error) {
  say(`ended ${(error as Error).name}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
