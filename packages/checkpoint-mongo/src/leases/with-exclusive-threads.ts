import type { RunnableConfig } from "@langchain/core/runnables";
import { IterableReadableStream } from "@langchain/core/utils/stream";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import type { LeaseOptions } from "./lease-options.ts";
import type { ThreadLease } from "./thread-lease.ts";

/** What leases threads: a `MongoDBSaver`. */
export interface LeasingSaver {
  /** As `MongoDBSaver` has it. */
  withLease<T>(
    threadId: string,
    act: (lease: ThreadLease) => Promise<T>,
    options?: LeaseOptions,
  ): Promise<T>;
}

type Method = (...given: unknown[]) => unknown;

/** Where each of the methods that write to a thread has its config. */
const CONFIG_POSITIONS: Readonly<Record<string, number>> = {
  invoke: 1,
  stream: 1,
  streamEvents: 1,
  updateState: 0,
  bulkUpdateState: 0,
};

/**
 * Wraps a compiled graph or an agent, so that one run at a time works on a thread: each `invoke`, `stream`,
 * `streamEvents` and `updateState` takes the lease of the thread that its config names. A run whose lease is lost is aborted.
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
    get(target, property, proxy) {
      // Agents have private fields, which a proxy has not.
      const value: unknown = Reflect.get(target, property, target);
      if (typeof property !== "string" || typeof value !== "function") return value;
      const method = value.bind(target) as Method;
      if (property === "batch") return value.bind(proxy) as Method;
      if (property === "withConfig") {
        return (...given: unknown[]) =>
          withExclusiveThreads(method(...given) as object, saver, options);
      }
      const position = CONFIG_POSITIONS[property];
      if (position === undefined) return method;
      return (...given: unknown[]) => {
        const config = given[position] as RunnableConfig | undefined;
        const threadId: unknown = config?.configurable?.["thread_id"];
        // Without a thread, nothing is stored. What is wrong with it is for the saver to say.
        if (typeof threadId !== "string" || threadId === "") return method(...given);
        const act = (lease: ThreadLease): unknown => {
          const signal = join(config?.signal, lease.signal);
          return method(...given.with(position, lease.bind({ ...config, signal })));
        };
        switch (property) {
          case "stream":
            return streamLeased(saver, threadId, act as OpenStream, options);
          case "streamEvents":
            requireKnownEvents(config);
            return IterableReadableStream.fromAsyncGenerator(
              readLeased(saver, threadId, act as OpenStream, options),
            );
          default:
            return saver.withLease(
              threadId,
              act as (lease: ThreadLease) => Promise<unknown>,
              options,
            );
        }
      };
    },
  });
}

/** Later versions do not return a stream. */
function requireKnownEvents(config: RunnableConfig | undefined): void {
  const { version } = { ...config } as { readonly version?: unknown };
  if (version === "v1" || version === "v2") return;
  throw new InvalidOptionsError(
    "withExclusiveThreads: streamEvents of the versions v1 and v2 can be leased. For another version, call it in " +
      "saver.withLease.",
  );
}

type OpenStream = (lease: ThreadLease) => Promise<AsyncIterable<unknown>> | AsyncIterable<unknown>;

async function* readLeased(
  saver: LeasingSaver,
  threadId: string,
  open: OpenStream,
  options: LeaseOptions,
): AsyncGenerator {
  yield* await streamLeased(saver, threadId, open, options);
}

function join(first: AbortSignal | undefined, second: AbortSignal): AbortSignal {
  return first === undefined ? second : AbortSignal.any([first, second]);
}

/** Gives a stream as soon as it is there. The lease ends with it. */
function streamLeased(
  saver: LeasingSaver,
  threadId: string,
  open: OpenStream,
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

async function* pass(source: AsyncIterable<unknown>, end: () => void): AsyncGenerator {
  try {
    yield* source;
  } finally {
    end();
  }
}
