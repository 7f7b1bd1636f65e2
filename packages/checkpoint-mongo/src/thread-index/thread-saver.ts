import type { MetadataValue } from "../documents/search-field.ts";
import type { ThreadMetadata } from "./metadata.ts";
import type { ThreadSummary } from "./thread.ts";
import type { Threads } from "./threads.ts";

/** A thread as `@langchain/langgraph-api` knows it. */
export interface EmbeddedThread {
  thread_id: string;
  metadata: Record<string, unknown>;
  /** The thread's status, in the words of LangGraph's SDK. */
  status: string;
  /** When it was first written to, as ISO 8601. */
  created_at: string | undefined;
  /** When it was last written to, as ISO 8601. */
  updated_at: string | undefined;
}

/** What a search of `@langchain/langgraph-api` asks for. */
export interface EmbeddedThreadSearch {
  metadata?: Record<string, unknown>;
  limit: number;
  offset: number;
  sortBy: "created_at" | "updated_at";
  sortOrder: "asc" | "desc";
}

/** The threads of a server made by `createEmbedServer` of `@langchain/langgraph-api`: its `ThreadSaver`. */
export interface EmbeddedThreads {
  /** Resolves to undefined if the thread is not there: the server answers with 404 then. */
  get: (id: string) => Promise<EmbeddedThread>;
  set: (
    id: string,
    options: { kind: "put" | "patch"; metadata?: Record<string, unknown> },
  ) => Promise<EmbeddedThread>;
  delete: (id: string) => Promise<void>;
  search: (
    options: EmbeddedThreadSearch,
  ) => AsyncGenerator<{ thread: EmbeddedThread; total: number }>;
}

/** What keeps the threads: a `MongoDBSaver`. */
export interface ThreadKeeper {
  readonly threads: Threads;
  deleteThread(threadId: string): Promise<void>;
}

/**
 * Makes the `threads` of `createEmbedServer` (`@langchain/langgraph-api/experimental/embed`) out of a saver: they
 * outlive the server, and all of its instances share them.
 *
 * @example
 * ```ts
 * const threads = createThreadSaver(saver);
 * const app = createEmbedServer({ graph, threads, checkpointer: saver });
 * ```
 */
export function createThreadSaver(saver: ThreadKeeper): EmbeddedThreads {
  return {
    get: async (id) => {
      const [thread] = (await saver.threads.search({ ids: [id] })).threads;
      return (thread && toEmbedded(thread)) as EmbeddedThread;
    },
    set: async (id, { kind, metadata = {} }) => {
      const update = { metadata: metadata as ThreadMetadata };
      const { threads } = saver;
      return toEmbedded(
        await (kind === "put" ? threads.create(id, update) : threads.update(id, update)),
      );
    },
    delete: (id) => saver.deleteThread(id),
    search: (options) => searchEmbedded(saver, options),
  };
}

/** The longest page that `threads.search` gives. */
const MAX_PAGE = 1_000;

async function* searchEmbedded(
  { threads }: ThreadKeeper,
  { metadata = {}, limit, offset, sortBy, sortOrder }: EmbeddedThreadSearch,
): AsyncGenerator<{ thread: EmbeddedThread; total: number }> {
  const filter = { metadata: metadata as Record<string, MetadataValue> };
  const sort = {
    by: sortBy === "created_at" ? "createdAt" : "updatedAt",
    order: sortOrder,
  } as const;
  const total = await threads.count(filter);
  let toSkip = offset;
  let left = limit;
  let cursor: string | undefined;
  do {
    const page = await threads.search({
      ...filter,
      sort,
      cursor,
      limit: Math.max(1, Math.min(MAX_PAGE, toSkip + left)),
    });
    for (const thread of page.threads.slice(toSkip)) {
      if (left === 0) return;
      left -= 1;
      yield { thread: toEmbedded(thread), total };
    }
    toSkip = Math.max(0, toSkip - page.threads.length);
    ({ cursor } = page);
  } while (cursor !== undefined && left > 0);
}

function toEmbedded(thread: ThreadSummary): EmbeddedThread {
  return {
    thread_id: thread.threadId,
    metadata: { ...thread.metadata },
    status: thread.status,
    created_at: thread.createdAt?.toISOString(),
    updated_at: thread.updatedAt?.toISOString(),
  };
}
