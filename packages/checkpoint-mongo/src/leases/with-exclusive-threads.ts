import type { RunnableConfig } from "@langchain/core/runnables";
import { IterableReadableStream } from "@langchain/core/utils/stream";
import type { LeaseOptions } from "./lease-options.ts";
import type { ThreadLease } from "./thread-lease.ts";

/** What leases threads: a `MongoDBSaver`. */
export interface LeasingSaver {
  withLease<T>(
    threadId: string,
    act: (lease: ThreadLease) => Promise<T>,
    options?: LeaseOptions,
  ): Promise<T>;
}

type Method = (first: unknown, config?: RunnableConfig, ...rest: unknown[]) => Promise<unknown>;

/** Where each of the methods that write to a thread has its config. */
const CONFIG_POSITIONS: Readonly<Record<string, number>> = {
  invoke: 1,
  stream: 1,
  updateState: 0,
  bulkUpdateState: 0,
};

/**
 * Wraps a compiled graph or an agent, so that one run at a time works on a thread: each `invoke`, `stream` and
 * `updateState` takes the lease of the thread that its config names. A run whose lease is lost is aborted.
 *
 * A stream keeps the lease until it has been read to its end, or is cancelled.
 *
 * @param saver the checkpointer of the graph
 * @param options as for `saver.withLease`
 * @example
 * ```ts
 * const agent = withExclusiveThreads(createAgent({ model, tools, checkpointer: saver }), saver, { waitMs: 10_000 });
 * ```
 */
export function withExclusiveThreads<Graph extends object>(
  graph: Graph,
  saver: LeasingSaver,
  options: LeaseOptions = {},
): Graph {
  return new Proxy(graph, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, receiver);
      if (typeof property !== "string" || typeof value !== "function") return value;
      if (property === "withConfig") {
        return (...given: unknown[]) =>
          withExclusiveThreads(value.apply(target, given) as object, saver, options);
      }
      const position = CONFIG_POSITIONS[property];
      if (position === undefined) return value;
      return (...given: unknown[]) => {
        const config = given[position] as RunnableConfig | undefined;
        const threadId: unknown = config?.configurable?.["thread_id"];
        // Without a thread, nothing is stored. What is wrong with it is for the saver to say.
        if (typeof threadId !== "string" || threadId === "") return value.apply(target, given);
        const act = (lease: ThreadLease): Promise<unknown> => {
          const signal = join(config?.signal, lease.signal);
          const leased = given.with(position, lease.bind({ ...config, signal }));
          return (value as Method).apply(target, leased as Parameters<Method>);
        };
        return property === "stream"
          ? streamLeased(saver, threadId, act as never, options)
          : saver.withLease(threadId, act, options);
      };
    },
  });
}

function join(first: AbortSignal | undefined, second: AbortSignal): AbortSignal {
  return first === undefined ? second : AbortSignal.any([first, second]);
}

/** Gives a stream as soon as it is there. The lease ends with it. */
function streamLeased(
  saver: LeasingSaver,
  threadId: string,
  open: (lease: ThreadLease) => Promise<AsyncIterable<unknown>>,
  options: LeaseOptions,
): Promise<IterableReadableStream<unknown>> {
  const { promise, resolve, reject } = Promise.withResolvers<IterableReadableStream<unknown>>();
  saver
    .withLease(
      threadId,
      async (lease) => {
        const source = await open(lease);
        const ended = Promise.withResolvers<void>();
        resolve(IterableReadableStream.fromAsyncGenerator(pass(source, () => ended.resolve())));
        await ended.promise;
      },
      options,
    )
    // A stream that was handed over has failed by itself.
    .catch(reject);
  return promise;
}

async function* pass(source: AsyncIterable<unknown>, end: () => void): AsyncGenerator<unknown> {
  try {
    yield* source;
  } finally {
    end();
  }
}
