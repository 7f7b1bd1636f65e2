import { Command } from "@langchain/langgraph";
import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import type { TripGraph } from "./trip-graph.ts";

/** The config of a thread. */
interface Thread {
  readonly configurable: { readonly thread_id: string };
}

/** Begins the trip of a thread, goes on where it stands, or answers what it asks. */
export async function runTrip(graph: TripGraph, thread: Thread, answer: string): Promise<void> {
  const { createdAt, next } = await graph.getState(thread);
  if (createdAt !== undefined && next.length > 0)
    console.error(`· goes on with: ${next.join(", ")}`);
  const run = await graph.stream(chooseInput(createdAt, answer), {
    ...thread,
    durability: "sync",
    streamMode: "updates",
  });
  for await (const update of run) {
    for (const [node, change] of Object.entries(update)) {
      if (node !== "__interrupt__") console.log(`${node}: ${change.messages?.at(-1)?.text}`);
    }
  }
  const after = await graph.getState(thread);
  const waits = after.tasks.some(({ interrupts }) => interrupts.length > 0);
  console.log(waits ? "Is that a good trip? Answer with: run ANSWER" : "The trip is settled.");
}

/** `null` means: go on where the thread stands. */
function chooseInput(
  createdAt: string | undefined,
  answer: string,
): Parameters<TripGraph["stream"]>[0] {
  if (createdAt === undefined)
    return { messages: [{ role: "user", content: answer || "A trip!" }] };
  return answer === ""
    ? null
    : new Command<string, Record<string, unknown>, "suggest">({ resume: answer });
}

/** Prints the checkpoints of a thread with their labels. */
export async function showHistory(saver: MongoDBSaver, threadId: string): Promise<void> {
  const labels = await saver.listLabels(threadId);
  const thread = { configurable: { thread_id: threadId, checkpoint_ns: "" } };
  for await (const { checkpoint, metadata } of saver.list(thread)) {
    const own = labels.filter(({ checkpointId }) => checkpointId === checkpoint.id);
    const names = own.map(({ name }) => ` "${name}"`).join("");
    console.log(`${checkpoint.id} step ${metadata?.step} ${metadata?.source}${names}`);
  }
}
