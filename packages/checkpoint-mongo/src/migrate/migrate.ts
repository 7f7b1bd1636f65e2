// Not by name: see check-node.ts.
import crypto from "node:crypto";
import { z } from "zod";
import { parseThreadId } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import { reachStorage } from "../context/reach-saver.ts";
import { MigrationMismatchError } from "../errors/migration-mismatch-error.ts";
import { ThreadNotFoundError } from "../errors/thread-not-found-error.ts";
import { StorageRefusedError } from "../errors/storage-refused-error.ts";
import { StorageUnavailableError } from "../errors/storage-unavailable-error.ts";
import type { OfficialThread } from "../migration/official-collections.ts";
import { checkOptions } from "../options/check-options.ts";
import type { MongoDBSaver } from "../saver/mongodb-saver.ts";
import { findMismatch, lookAt, migrateThread, type ThreadState } from "./migrate-thread.ts";
import { openScratch } from "./scratch.ts";

/** Options of {@link migrate}. */
export interface MigrationOptions {
  /**
   * Whether only to read: says what would be moved, and what could not be read.
   *
   * @default false
   */
  readonly dryRun?: boolean | undefined;
  /**
   * Whether to remove the originals of a thread once all of its checkpoints are here and read the same from both.
   *
   * @default false
   */
  readonly dropSource?: boolean | undefined;
  /**
   * Only these threads. One that neither saver has is a failed one.
   *
   * @default undefined: all
   */
  readonly threadIds?: readonly string[] | undefined;
  /**
   * How many threads are moved at once, up to 64.
   *
   * @default 4
   */
  readonly concurrency?: number | undefined;
  /** Ends the call between two threads. */
  readonly signal?: AbortSignal | undefined;
  /** Is called after each thread. */
  readonly onProgress?: ((progress: MigrationProgress) => void) | undefined;
}

/** How far a migration has come. */
export interface MigrationProgress {
  /** What is being done: threads are moved first, then originals are removed. */
  readonly phase: "migrate" | "drop";
  /** Threads done in this phase. */
  readonly threads: number;
  /** All threads of the phase. */
  readonly threadsTotal: number;
  /** Checkpoints of the threads that are done. */
  readonly checkpoints: number;
  /** Checkpoints of all threads of the phase. */
  readonly checkpointsTotal: number;
  /** Since the phase began. */
  readonly elapsedMs: number;
  /** What is left, at the pace so far; undefined until there is one. */
  readonly etaMs: number | undefined;
}

/** A thread that was not moved, or not removed. It was left as it was. */
export interface FailedMigration {
  /** The thread. */
  readonly threadId: string;
  /** What was thrown, for example a `MigrationMismatchError`. */
  readonly error: unknown;
}

/** What a migration did. */
export interface MigrationResult {
  /** Threads of the official saver. */
  readonly threads: number;
  /** Threads that were moved; with `dryRun`, those that would be. */
  readonly migrated: number;
  /** Threads that had been moved before. */
  readonly alreadyThere: number;
  /** Checkpoints that were moved; with `dryRun`, those that would be. */
  readonly checkpoints: number;
  /** Threads whose originals were removed. */
  readonly dropped: number;
  /** Threads that could not be moved or removed, and why. */
  readonly failed: readonly FailedMigration[];
  /** Whether nothing was changed, since it was a dry run. */
  readonly isDryRun: boolean;
}

const optionsSchema = z
  .strictObject({
    dryRun: z.boolean().default(false),
    dropSource: z.boolean().default(false),
    threadIds: z.array(z.string()).optional(),
    concurrency: z.number().int().min(1).max(64).default(4),
    signal: z.instanceof(AbortSignal, { error: "an AbortSignal" }).optional(),
    onProgress: z
      .custom<(progress: MigrationProgress) => void>((value) => typeof value === "function", {
        error: "a function that takes the progress",
      })
      .optional(),
  })
  .default({ dryRun: false, dropSource: false, concurrency: 4 });

type CheckedMigration = z.output<typeof optionsSchema>;

/**
 * Moves threads that the official saver stored into the saver's own collection. Each comes in as a whole, and until
 * then is read in place as before. Each checkpoint is read from both before anything of its thread can be seen.
 *
 * It may be killed and called again: threads that were moved are left out. It may run while the application does,
 * but the official saver must no longer write.
 *
 * @throws InvalidOptionsError if an option is wrong
 */
export async function migrate(
  saver: MongoDBSaver,
  options: MigrationOptions = {},
): Promise<MigrationResult> {
  const checked = checkOptions("migrate", optionsSchema, options);
  const ids = checked.threadIds?.map(parseThreadId);
  return reachStorage(saver, "migrate", async (reached) => {
    // To call this is to trust what lies there.
    const context = { ...reached, official: reached.official.withoutRefusal() };
    const threads: OfficialThread[] = [];
    const wanted = ids && new Set(ids);
    for await (const thread of context.official.listThreads()) {
      if (wanted === undefined || wanted.has(thread.threadId)) threads.push(thread);
    }
    const run = new MigrationRun(context, threads, checked);
    const found = new Set(threads.map(({ threadId }) => threadId));
    await run.missAll([...(wanted ?? [])].filter((threadId) => !found.has(threadId)));
    await run.migrateAll();
    if (checked.dropSource && !checked.dryRun) await run.dropAll();
    return run.result;
  });
}

/** Threads of which is found out at once whether they are there. */
const PAGE = 100;

class MigrationRun {
  readonly #context: SaverContext;
  readonly #threads: readonly OfficialThread[];
  readonly #options: CheckedMigration;
  readonly #id = crypto.randomUUID().slice(0, 8);
  readonly #failed: FailedMigration[] = [];
  #migrated = 0;
  #alreadyThere = 0;
  #checkpoints = 0;
  #dropped = 0;

  constructor(
    context: SaverContext,
    threads: readonly OfficialThread[],
    options: CheckedMigration,
  ) {
    this.#context = context;
    this.#threads = threads;
    this.#options = options;
  }

  get result(): MigrationResult {
    return {
      threads: this.#threads.length,
      migrated: this.#migrated,
      alreadyThere: this.#alreadyThere,
      checkpoints: this.#checkpoints,
      dropped: this.#dropped,
      failed: this.#failed,
      isDryRun: this.#options.dryRun,
    };
  }

  /** Threads that were named and that the official saver does not have. They may have been moved before. */
  async missAll(threadIds: readonly string[]): Promise<void> {
    if (threadIds.length === 0) return;
    for (const [threadId, state] of await lookAt(this.#context, threadIds)) {
      if (state !== "fresh") continue;
      const advice = "The official saver has not stored it in these collections either.";
      this.#failed.push({ threadId, error: new ThreadNotFoundError(threadId, advice) });
    }
  }

  async migrateAll(): Promise<void> {
    const scratch = this.#options.dryRun ? undefined : await openScratch(this.#context);
    await this.#forEach("migrate", async ({ threadId }, seen) => {
      if (seen === "there") this.#alreadyThere += 1;
      else if (scratch === undefined) await this.#tryRead(threadId);
      else await this.#move(scratch, threadId, seen);
    });
    // What other runs have left there expires by itself.
    const left = await scratch?.store.all.findOne({}, { projection: { _id: 1 } });
    // An empty collection does no harm where the user may not drop it.
    if (left === null) await scratch?.store.all.drop().catch(() => false);
  }

  async dropAll(): Promise<void> {
    await this.#forEach("drop", async ({ threadId }, seen) => {
      if (seen !== "there") return;
      const mismatch = await findMismatch(this.#context, threadId);
      if (mismatch !== undefined) throw new MigrationMismatchError(threadId, mismatch);
      await this.#context.official.dropThread(threadId);
      this.#dropped += 1;
    });
  }

  async #tryRead(threadId: string): Promise<void> {
    let checkpoints = 0;
    for await (const _ of this.#context.official.walk(threadId)) checkpoints += 1;
    this.#migrated += 1;
    this.#checkpoints += checkpoints;
  }

  async #move(scratch: SaverContext, threadId: string, seen: ThreadState): Promise<void> {
    let checkpoints = 0;
    const onCheckpoint = (): void => void (checkpoints += 1);
    const moving = { main: this.#context, scratch, threadId, runId: this.#id, onCheckpoint };
    let outcome = await migrateThread(moving, seen);
    if (outcome === "continued") {
      // The saver has gone on with it meanwhile.
      checkpoints = 0;
      outcome = await migrateThread(moving, "continued");
    }
    if (outcome === "migrated") {
      this.#migrated += 1;
      this.#checkpoints += checkpoints;
    } else this.#alreadyThere += 1;
  }

  /** A thread that fails does not keep the others back; a database that does not answer does. */
  async #forEach(
    phase: MigrationProgress["phase"],
    act: (thread: OfficialThread, seen: ThreadState) => Promise<void>,
  ): Promise<void> {
    const { concurrency, signal, onProgress } = this.#options;
    const startedMs = performance.now();
    const checkpointsTotal = this.#threads.reduce((sum, one) => sum + one.checkpoints, 0);
    let threads = 0;
    let checkpoints = 0;
    const work = async (
      waiting: Iterable<OfficialThread>,
      states: ReadonlyMap<string, ThreadState>,
    ): Promise<void> => {
      for (const thread of waiting) {
        signal?.throwIfAborted();
        try {
          await act(thread, states.get(thread.threadId) ?? "fresh");
        } catch (error) {
          if (StorageUnavailableError.isInstance(error) || StorageRefusedError.isInstance(error)) {
            throw error;
          }
          this.#failed.push({ threadId: thread.threadId, error });
        }
        threads += 1;
        checkpoints += thread.checkpoints;
        const elapsedMs = performance.now() - startedMs;
        onProgress?.({
          phase,
          threads,
          threadsTotal: this.#threads.length,
          checkpoints,
          checkpointsTotal,
          elapsedMs,
          etaMs: (elapsedMs / checkpoints) * (checkpointsTotal - checkpoints),
        });
      }
    };
    for (let start = 0; start < this.#threads.length; start += PAGE) {
      const page = this.#threads.slice(start, start + PAGE);
      const states = await lookAt(
        this.#context,
        page.map(({ threadId }) => threadId),
      );
      const waiting = page.values();
      await Promise.all(Array.from({ length: concurrency }, () => work(waiting, states)));
    }
  }
}
