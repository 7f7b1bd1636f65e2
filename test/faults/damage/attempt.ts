import type { RunnableConfig } from "@langchain/core/runnables";
import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { ThreadkeepError, type MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { isDeepStrictEqual } from "node:util";

/** How a call ended that met damage, or did not. */
export type Outcome =
  /** With just what it gives without the damage. */
  | { readonly end: "same" }
  /** With less: a checkpoint or pending writes of it are not there. */
  | { readonly end: "less"; readonly what: string }
  /** With an error that says what is damaged. */
  | { readonly end: "refused"; readonly message: string; readonly isAboutKey: boolean }
  /** With something else than was stored. */
  | { readonly end: "wrong"; readonly what: string }
  /** With an explanation that is none. */
  | { readonly end: "unexplained"; readonly message: string }
  /** With an error that nobody threw on purpose. */
  | { readonly end: "raw"; readonly message: string };

/**
 * A document without the name of its key, or with another one, may be one that was written before there was a
 * key. Bytes that are marked as encrypted may be so, and others may be of a time before encryption. The error says
 * so. They are not passed over either.
 */
const KEY_CODES: ReadonlySet<string> = new Set([
  "INTEGRITY_KEY",
  "ENCRYPTION_KEY",
  "PLAINTEXT_REFUSED",
]);

const NAMES_DAMAGE: ReadonlySet<string> = new Set([
  "CORRUPT_CHECKPOINT",
  "UNSUPPORTED_FORMAT",
  ...KEY_CODES,
]);

/** Makes a call and tells how it ended. */
export async function attempt(call: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await call();
  } catch (error) {
    if (!ThreadkeepError.isInstance(error)) {
      const { stack = String(error) } = error as Error;
      return { end: "raw", message: stack.split("\n").slice(0, 4).join(" ") };
    }
    const { code, message } = error;
    return NAMES_DAMAGE.has(code)
      ? { end: "refused", message, isAboutKey: KEY_CODES.has(code) }
      : { end: "unexplained", message };
  }
}

/** Compares a checkpoint that was read with what was stored. */
export function compare(found: CheckpointTuple | undefined, stored: CheckpointTuple): Outcome {
  if (isDeepStrictEqual(found, stored)) return { end: "same" };
  if (found === undefined) return { end: "less", what: "the checkpoint is not there" };
  const pending = stored.pendingWrites ?? [];
  const left = found.pendingWrites ?? [];
  const isPart = left.every((write) => pending.some((other) => isDeepStrictEqual(write, other)));
  if (isPart && isDeepStrictEqual({ ...found, pendingWrites: pending }, stored)) {
    return { end: "less", what: `${left.length} of ${pending.length} pending writes are there` };
  }
  return { end: "wrong", what: `checkpoint ${found.checkpoint.id} is not as it was` };
}

/** Compares a list with what it gave before; each checkpoint must be as it was. */
export function compareLists(
  found: readonly CheckpointTuple[],
  stored: readonly CheckpointTuple[],
): Outcome {
  let less = found.length < stored.length ? "checkpoints are left out" : undefined;
  for (const tuple of found) {
    const own = stored.find(({ config }) => isDeepStrictEqual(config, tuple.config));
    if (own === undefined) return { end: "wrong", what: `${tuple.checkpoint.id} was not stored` };
    const outcome = compare(tuple, own);
    if (outcome.end === "wrong") return outcome;
    if (outcome.end === "less") less = outcome.what;
  }
  return less === undefined ? { end: "same" } : { end: "less", what: less };
}

/** All that can be read of a thread. */
export interface StoredThread {
  readonly threadId: string;
  /** What each config gives: the latest of each namespace, and each checkpoint. */
  readonly tuples: readonly { readonly config: RunnableConfig; readonly tuple: CheckpointTuple }[];
  readonly list: readonly CheckpointTuple[];
}

export async function readThread(saver: MongoDBSaver, threadId: string): Promise<StoredThread> {
  const list = await Array.fromAsync(saver.list({ configurable: { thread_id: threadId } }));
  const namespaces = new Set(
    list.map(({ config }) => config.configurable!["checkpoint_ns"] as string),
  );
  const configs = [
    ...Array.from([...namespaces].toSorted(), (checkpoint_ns) => ({
      configurable: { thread_id: threadId, checkpoint_ns },
    })),
    // The others are in the list.
    ...list.filter((_, index) => index % 3 === 1).map(({ config }) => config),
  ];
  const tuples = [];
  for (const config of configs) tuples.push({ config, tuple: (await saver.getTuple(config))! });
  return { threadId, tuples, list };
}
