import { parseThreadId } from "../address/address.ts";
import { z } from "zod";
import type { SaverContext } from "../context/context.ts";
import { ThreadNotFoundError } from "../errors/thread-not-found-error.ts";
import { checkOptions } from "../options/check-options.ts";
import { explainRefusal } from "../driver/explain-refusal.ts";
import { scanAllThreadIds } from "../store/scan-thread.ts";
import { beginEntry, changeMetadata } from "../store/write-metadata.ts";
import { refreshThread } from "../threads/prepare-thread.ts";
import { describeThread } from "./describe-thread.ts";
import {
  checkMetadata,
  listFields,
  readThreadMetadata,
  writeThreadMetadata,
  type ThreadMetadata,
} from "./metadata.ts";
import {
  checkFilter,
  checkSearch,
  type ThreadFilter,
  type ThreadSearch,
} from "./search-options.ts";
import { countThreads, searchThreads, summarize } from "./search-threads.ts";
import type { ThreadDetails, ThreadPage, ThreadSummary, ThreadUpdate } from "./thread.ts";

/** Does something with a saver's database. */
export type ReachStorage = <T>(
  name: string,
  act: (context: SaverContext) => Promise<T>,
) => Promise<T>;

const detailsSchema = z.strictObject({ channels: z.boolean().default(false) });
const updateSchema = z.strictObject({ metadata: z.unknown().optional() });

/**
 * The index of a saver's threads: `saver.threads`. It is kept by the commands that store checkpoints. Threads
 * that only the official saver has stored are not in it.
 */
export class Threads {
  private readonly reach: ReachStorage;

  /** @internal */
  constructor(reach: ReachStorage) {
    this.reach = reach;
  }

  /**
   * Finds threads, a page at a time.
   *
   * @example
   * ```ts
   * let cursor: string | undefined;
   * do {
   *   const page = await saver.threads.search({ status: "interrupted", metadata: { user: "ada" }, cursor });
   *   for (const { threadId, metadata } of page.threads) console.log(threadId, metadata);
   *   cursor = page.cursor;
   * } while (cursor !== undefined);
   * ```
   *
   * @throws InvalidOptionsError if something of the search is wrong or unknown
   * @throws CorruptCheckpointError if the record of a thread is damaged; with `onCorruption: "fall-back"` it
   *   is left out and reported
   */
  async search(search: ThreadSearch = {}): Promise<ThreadPage> {
    const checked = checkSearch("threads.search", search);
    return this.reach("threads.search", (context) => searchThreads(context, checked));
  }

  /**
   * Counts the threads that a search would find on all pages.
   *
   * @throws InvalidOptionsError if something of the filter is wrong or unknown
   */
  async count(filter: ThreadFilter = {}): Promise<number> {
    const checked = checkFilter("threads.count", filter);
    return this.reach("threads.count", (context) => countThreads(context, checked));
  }

  /**
   * The ids of all threads, in no order: for programs that go through all of them, as `threadkeep verify --all`
   * does. Threads whose record is damaged or lost are among them. Threads that are stored meanwhile may be.
   *
   * @example
   * ```ts
   * for await (const threadId of saver.threads.ids()) console.log(await saver.verifyThread(threadId));
   * ```
   */
  async *ids(): AsyncGenerator<string> {
    const store = await this.reach("threads.ids", (context) => Promise.resolve(context.store));
    try {
      yield* scanAllThreadIds(store);
    } catch (error) {
      throw explainRefusal(error, "threads.ids of MongoDBSaver");
    }
  }

  /**
   * Returns what is known of a thread, or undefined if it is not there. It counts the thread's documents, so
   * it takes longer for a longer thread.
   *
   * @param options.channels whether to measure each channel, which reads all checkpoints. By default false
   * @throws InvalidAddressError if the id is no string or empty
   * @throws CorruptCheckpointError if the thread's record or its latest checkpoint is damaged
   */
  async get(
    threadId: string,
    options: { readonly channels?: boolean | undefined } = {},
  ): Promise<ThreadDetails | undefined> {
    const id = parseThreadId(threadId);
    const { channels } = checkOptions("threads.get", detailsSchema, options);
    return this.reach("threads.get", (context) => describeThread(context, id, channels));
  }

  /**
   * Makes a thread that has metadata and no checkpoint yet. If it is there already, its metadata is changed as
   * by {@link Threads.update}.
   *
   * @throws InvalidAddressError if the id is no string or empty
   * @throws InvalidOptionsError if the metadata is not what JSON has, or longer than 16,384 bytes
   */
  async create(threadId: string, options: ThreadUpdate = {}): Promise<ThreadSummary> {
    const id = parseThreadId(threadId);
    const metadata = readUpdate("threads.create", options);
    return this.reach("threads.create", async (context) => {
      // A process that has read a thread in vain takes it for new, and leaves its record to the first put.
      context.cache.forgetThread(id);
      const thread = await refreshThread(context, id);
      await beginEntry(context.store, id, thread.epoch);
      return applyUpdate("threads.create", context, id, metadata);
    });
  }

  /**
   * Changes a thread's metadata: entries are added or replaced, the others stay.
   *
   * @throws ThreadNotFoundError if the thread is not there
   * @throws InvalidAddressError if the id is no string or empty
   * @throws InvalidOptionsError if the metadata is not what JSON has, or longer than 16,384 bytes
   */
  async update(threadId: string, update: ThreadUpdate): Promise<ThreadSummary> {
    const id = parseThreadId(threadId);
    const metadata = readUpdate("threads.update", update);
    return this.reach("threads.update", (context) =>
      applyUpdate("threads.update", context, id, metadata),
    );
  }
}

function readUpdate(owner: string, update: unknown): ThreadMetadata {
  const { metadata } = checkOptions(owner, updateSchema, update);
  return metadata === undefined ? {} : checkMetadata(owner, metadata);
}

async function applyUpdate(
  owner: string,
  context: SaverContext,
  threadId: string,
  update: ThreadMetadata,
): Promise<ThreadSummary> {
  const { store, deadline } = context;
  const thread = await changeMetadata(store, threadId, deadline, (former) => {
    const metadata = { ...readThreadMetadata(former), ...update };
    return {
      metadata: writeThreadMetadata(owner, metadata),
      fields: listFields(metadata, store.encryption),
    };
  });
  const [summary] = thread === undefined ? [] : summarize(context, [thread], store.estimateTime());
  if (summary === undefined) {
    throw new ThreadNotFoundError(threadId, "Make it with threads.create, or by a run.");
  }
  return summary;
}
