import { AsyncLocalStorage } from "node:async_hooks";
import type { RunnableConfig } from "@langchain/core/runnables";
import { shareByCopies } from "../process/shared-by-copies.ts";
import type { ThreadHold } from "../store/thread-record.ts";

/** Under which token a thread is written to. */
export interface HeldThread extends Pick<ThreadHold, "token" | "heldFor"> {
  /** Database and collection: in another one, a thread of the same id is another thread. */
  readonly collection: string;
  readonly threadId: string;
}

/** What the code that runs now holds, the innermost last. */
const scopes: AsyncLocalStorage<readonly HeldThread[]> = shareByCopies(
  "lease-scopes",
  () => new AsyncLocalStorage<readonly HeldThread[]>(),
);

/**
 * The entry of `configurable` by which a config carries a lease. LangGraph hands it on to the checkpointer, and
 * copies nothing that begins with two underscores into metadata.
 */
const CONFIG_KEY = "__threadkeep_lease";

/** Runs something while a thread is held. What it writes to the thread carries the token. */
export function runHolding<T>(held: HeldThread, act: () => Promise<T>): Promise<T> {
  return scopes.run([...(scopes.getStore() ?? []), held], act);
}

/** A config whose writes carry the token, wherever they are made. */
export function bindHeld<Config extends RunnableConfig>(held: HeldThread, config: Config): Config {
  return { ...config, configurable: { ...config.configurable, [CONFIG_KEY]: held } };
}

/** What the caller holds of a thread. */
export function findHeld(
  { collection, threadId }: Pick<HeldThread, "collection" | "threadId">,
  config: RunnableConfig = {},
): HeldThread | undefined {
  const bound = config.configurable?.[CONFIG_KEY] as HeldThread | undefined;
  const all = [...(scopes.getStore() ?? []), ...(bound === undefined ? [] : [bound])];
  return all.findLast((held) => held.collection === collection && held.threadId === threadId);
}
