import type { ResearchGraph, ResearchState } from "./research-graph.ts";

/** Begins the research of a thread or goes on with it, prints what is done, and at the end the bill. */
export async function runResearch(
  graph: ResearchGraph,
  threadId: string,
  question: string,
): Promise<void> {
  const thread = { configurable: { thread_id: threadId } };
  const { createdAt, next } = await graph.getState(thread);
  if (createdAt !== undefined && next.length > 0)
    console.error(`· goes on with: ${[...new Set(next)].join(", ")}`);
  if (createdAt === undefined || next.length > 0) {
    // `null` means: go on where the thread stands.
    const stream = await graph.stream(createdAt === undefined ? { question } : null, {
      ...thread,
      durability: "sync",
      streamMode: "updates",
    });
    for await (const update of stream) console.log(`done: ${Object.keys(update).join(", ")}`);
  }
  const ended = await graph.getState(thread);
  const { bill, report } = ended.values as ResearchState;
  const { answers, inputTokens, outputTokens } = bill;
  console.log(`\n${report}\n`);
  console.log(`bill: ${answers} answers, ${inputTokens} tokens in, ${outputTokens} tokens out`);
}
