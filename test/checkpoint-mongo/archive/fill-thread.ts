import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { INTERRUPT, uuid6, type BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { randomBytes } from "node:crypto";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "../make-checkpoint.ts";

/** More than a set of pending writes takes, and does not compress: it goes into a segment of its own. */
const LARGE = randomBytes(3_300_000).toString("base64");

/** What a thread is filled with. */
export interface Filling {
  /** Checkpoints of the root graph. */
  readonly steps?: number;
  /** Whether a pending write is so large that it lies in a segment. */
  readonly isLarge?: boolean;
}

/**
 * Fills a thread: a growing list of messages, values that JSON does not have, a fork, a subgraph, pending writes
 * and an interrupt at the end.
 *
 * @returns the config of the latest checkpoint
 */
export async function fillThread(
  saver: BaseCheckpointSaver,
  threadId: string,
  { steps = 4, isLarge = false }: Filling = {},
): Promise<RunnableConfig> {
  let config = threadConfig(threadId);
  const messages: unknown[] = [];
  let fork: RunnableConfig | undefined;
  for (let step = 0; step < steps; step += 1) {
    messages.push(
      new HumanMessage(`question ${step}`),
      new AIMessage(`answer ${step} `.repeat(20)),
    );
    const values = {
      messages: [...messages],
      when: new Date(1_700_000_000_000 + step),
      odd: { nothing: undefined, not: NaN, big: 2n ** 70n, bytes: new Uint8Array([1, 2, step]) },
      text: `${step} `.repeat(100),
    };
    const checkpoint = makeCheckpoint(values, { id: uuid6(step) });
    // Names and values that need care in JSON.
    const metadata = makeMetadata({
      step,
      $cost: 1.5,
      nested: { "a.b": -0 },
      date: new Date(step),
    });
    config = await putCheckpoint(saver, config, checkpoint, metadata);
    fork ??= config;
  }
  const forked = makeCheckpoint({ messages: [messages[0]], text: "forked" }, { id: uuid6(0) });
  await putCheckpoint(saver, fork!, forked);
  const inner = threadConfig(threadId, { namespace: "child:1" });
  await putCheckpoint(saver, inner, makeCheckpoint({ inner: ["a", "b"] }));
  const last = makeCheckpoint({ messages: [...messages], text: "last" }, { id: uuid6(steps) });
  config = await putCheckpoint(saver, config, last);
  const writes: [string, unknown][] = [["messages", new AIMessage("pending")]];
  if (isLarge) writes.push(["text", LARGE], ["text", LARGE]);
  await saver.putWrites(config, writes, "task-1", "~__pregel_pull, ask");
  await saver.putWrites(config, [[INTERRUPT, [{ value: "really?" }]]], "task-2");
  return config;
}
