import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  type DeltaChannelHistory,
  type PendingWrite,
  type SerializerProtocol,
} from "@langchain/langgraph-checkpoint";
import { MongoClient, type Db, type MongoClientOptions } from "mongodb";
import {
  type CheckpointAddress,
  parseAddress,
  parseAddressFilter,
  parseAddressToRead,
  parseCheckpointAddress,
  parseNewCheckpointId,
  parseTaskId,
  parseTaskPath,
  parseThreadId,
  toConfig,
} from "../address/address.ts";
import { readOrigin } from "../address/read-origin.ts";
import { removeCopies } from "../archive/remove-copies.ts";
import { listWithArchived, withArchived } from "../archive/with-archived.ts";
import { carryOut, type SavingCall } from "../batch/saving-call.ts";
import { shareWriteBehind, type WriteBehind } from "../batch/write-behind.ts";
import { checkRuntime } from "../codec/bytes/check-runtime.ts";
import type { SaverContext } from "../context/context.ts";
import { emitWarning } from "../context/events.ts";
import { Listeners, type ObservedEvent, type SaverListener } from "../context/listeners.ts";
import { REACH_STORAGE } from "../context/reach-saver.ts";
import { HealthMonitor } from "../health/health-monitor.ts";
import { Runs } from "../health/runs.ts";
import type { SaverStats } from "../health/saver-stats.ts";
import { explainRefusal } from "../driver/explain-refusal.ts";
import { openDatabase } from "../driver/open-database.ts";
import { RetryPolicy } from "../driver/retry-policy.ts";
import { checkRekey, rekey, type RekeyOptions, type RekeyResult } from "../encryption/rekey.ts";
import { Hasher } from "../integrity/hashes.ts";
import { type SweepResult, sweep } from "../upkeep/sweep-segments.ts";
import { forgetLook } from "../migration/look-for-official.ts";
import {
  checkLabel,
  checkLabelFilter,
  checkLabelName,
  type Label,
  type LabelFilter,
  type NewLabel,
} from "../history/label.ts";
import { labelCheckpoint, listLabels, removeLabel } from "../history/labels.ts";
import { diffCheckpoints, type CheckpointDiff } from "../history/diff-checkpoints.ts";
import { forkThread } from "../history/fork-thread.ts";
import {
  checkFork,
  checkRollback,
  type ForkOptions,
  type RollbackOptions,
} from "../history/history-options.ts";
import { rollBack, type RollbackResult } from "../history/roll-back.ts";
import { sweepBackups } from "../history/sweep-backups.ts";
import { undoRollback } from "../history/undo-rollback.ts";
import { guardConnection, requireOptions } from "../options/guard-connection.ts";
import { deleteThread } from "../store/end-life.ts";
import type { Cache, CacheStats } from "../memory/cache.ts";
import { checkLease, type LeaseOptions } from "../leases/lease-options.ts";
import { findHeld, type HeldThread } from "../leases/lease-scope.ts";
import { takeLease, takeTurn, type ThreadLease } from "../leases/thread-lease.ts";
import {
  checkUpdate,
  updateThread,
  type ThreadChange,
  type UpdatedSaver,
  type UpdateOptions,
} from "../leases/update-thread.ts";
import { checkChannelLength } from "../put/check-channel-name.ts";
import { completeCheckpoint } from "../put/complete-checkpoint.ts";
import { getDeltaHistory } from "../read/delta-history.ts";
import { getTupleOrAncestor } from "../read/fall-back.ts";
import { getOfficialTuple } from "../read/official-threads.ts";
import {
  resolveOptions,
  type MongoDBSaverOptions,
  type MongoDBSaverSettings,
  type SaverSettings,
} from "../context/options.ts";
import {
  forgetCached,
  nameCacheOwner,
  shareCache,
  shareEarlyStandings,
  shareSetsSeen,
  shareWritesUnderWay,
  type SharedPlace,
} from "../memory/shared-by-client.ts";
import type { CheckpointToPut } from "../put/draft.ts";
import { putCheckpoint } from "../put/put-checkpoint.ts";
import type { EarlierWrites } from "../memory/writes-under-way.ts";
import { putWrites } from "../put/put-writes.ts";
import { Snapshot } from "../put/snapshot.ts";
import { hasSpecialWrites, takeWrites } from "../put/take-writes.ts";
import { Serializer } from "../records/serializer.ts";
import { ConflictDeadline } from "../store/conflict-rounds.ts";
import { copyThread, type CopyThreadResult } from "../retention/copy-thread.ts";
import { deleteForRuns, type DeleteForRunsResult } from "../retention/delete-for-runs.ts";
import { keepLast } from "../retention/keep-last.ts";
import { checkRetention, setRetention, type ThreadRetention } from "../retention/set-retention.ts";
import { checkPrune, type PruneOptions } from "../retention/prune-options.ts";
import { pruneThreads, type PruneResult } from "../retention/prune-threads.ts";
import { Threads } from "../thread-index/threads.ts";
import { refreshThread } from "../threads/prepare-thread.ts";
import { verifyThread, type ThreadReport } from "../upkeep/verify-thread.ts";
import {
  checkCopy,
  checkFilter,
  checkGrace,
  checkLimit,
  checkRunIds,
  checkThreadIds,
} from "./check-arguments.ts";
import type { EncryptionSettings } from "../keys/encryption-settings.ts";
import { sealOrigin } from "../records/origin-filter.ts";
import { Connection } from "./connection.ts";
import {
  forgetDataKeys,
  nameEncryption,
  nameNeededKey,
  type KeysPlace,
} from "./open-encryption.ts";
import { forgetSetup, nameCollection, type SetupRequest } from "./set-up.ts";

/**
 * A LangGraph.js checkpoint saver on MongoDB. A step stores what it adds to the state, not the
 * whole state; everything is verified by hashes when it is read; `put` and `putWrites` return when
 * a majority of the replica set has the data in its journal.
 *
 * Each command is tried again while its error is of a kind that passes (see `retry`). Each method
 * throws a `StorageUnavailableError` if that takes too long, and a `StorageRefusedError` if the server
 * refuses a command, for example for lack of a privilege. The driver's own error is the `cause`.
 *
 * @example
 * ```ts
 * const client = new MongoClient(process.env.MONGODB_URI);
 * const graph = builder.compile({ checkpointer: new MongoDBSaver({ client, dbName: "agents" }) });
 * await graph.invoke(input, { configurable: { thread_id: "42" } });
 * ```
 */
export class MongoDBSaver extends BaseCheckpointSaver {
  // No `#private` in this class: whoever wraps a saver in a Proxy or by Object.create, or takes a
  // method off it, must not break it. What is protected is what subclasses of the official saver use.

  /** The client given, or the one that {@link MongoDBSaver.fromConnString} made. */
  protected client: MongoClient;

  /** The saver's database, with its own decoding options, read concern and write concern. */
  protected db: Db;

  /** Where the official saver kept checkpoints. */
  checkpointCollectionName: string;

  /** Where the official saver kept pending writes. */
  checkpointWritesCollectionName: string;

  /** Whether checkpoints and pending writes carry the time of their storage. */
  protected enableTimestamps: boolean;

  /** Seconds that a thread stays after it was last written to; undefined for threads that stay. */
  protected ttl?: number | undefined;

  private readonly settings: SaverSettings;
  private readonly serializer: Serializer;
  private readonly hasher: Hasher;
  private readonly encryption: EncryptionSettings | undefined;
  private readonly cacheOwner: string;
  private readonly retryPolicy: RetryPolicy;
  private readonly connection: Connection;
  private readonly listeners: Listeners;

  /** @internal */
  readonly health: HealthMonitor;
  /** @internal */
  readonly runs: Runs = new Runs();

  /**
   * Creates a saver on the user's client. Nothing is read or written before the first call.
   *
   * @param serde a serializer for all values and metadata, in place of the saver's own encoding. A step then
   *   stores the whole of each channel that has changed. Its `dumpsTyped` is called for all values of a call
   *   at once, and returns new bytes for each
   * @throws InvalidOptionsError if options are wrong, missing or unknown: lists all of them
   */
  constructor(options: MongoDBSaverOptions, serde?: SerializerProtocol) {
    super(serde);
    const { keys, encryption, client, onEvent, ...settings } = resolveOptions(options);
    this.listeners = new Listeners(onEvent, emitWarning);
    this.health = new HealthMonitor(this.listeners);
    this.settings = { ...settings, onEvent: this.health.reportTo(this.listeners.report) };
    this.client = client;
    this.client.appendMetadata?.({ name: "threadkeep" });
    this.retryPolicy = toRetryPolicy(this.settings, this.health.noteRetry);
    this.db = openDatabase(this.client, this.settings.dbName, this.retryPolicy);
    this.checkpointCollectionName = this.settings.checkpointCollectionName;
    this.checkpointWritesCollectionName = this.settings.checkpointWritesCollectionName;
    this.enableTimestamps = this.settings.enableTimestamps;
    this.ttl = this.settings.ttl;
    this.hasher = new Hasher(keys);
    this.encryption = encryption;
    this.cacheOwner = `${nameCacheOwner(keys, serde)}/${nameEncryption(encryption)}`;
    this.serializer = new Serializer(serde, this.cache.shadows, settings.allowedObjects);
    this.connection = new Connection();
  }

  /**
   * Creates a saver with its own connection, which {@link MongoDBSaver.close} closes.
   *
   * @param uri a MongoDB connection string
   * @param options.clientOptions options of the `MongoClient`
   * @throws InvalidOptionsError if options are wrong, missing or unknown, or the connection string is
   *   malformed
   */
  static fromConnString(
    uri: string,
    options: MongoDBSaverSettings & { clientOptions?: MongoClientOptions } = {},
    serde?: SerializerProtocol,
  ): MongoDBSaver {
    const { clientOptions, ...settings } = requireOptions("MongoDBSaver", options);
    const client = guardConnection(
      "MongoDBSaver",
      uri,
      clientOptions,
      () => new MongoClient(uri, clientOptions),
    );
    const saver = new MongoDBSaver({ ...settings, client }, serde);
    saver.connection.isOwned = true;
    return saver;
  }

  /**
   * Creates the indexes of the collections. May be called at every start and by many processes at once. It
   * does not have to be called: the first use of a collection through a client does the same.
   *
   * It always asks the server, and empties this process's memory of the collections: after they were
   * dropped, call it before the next use.
   *
   * @returns an empty list, for programs that look at the errors that the official saver returns
   * @throws SetupError if an index cannot be created
   */
  async setup(): Promise<Error[]> {
    forgetSetup(this.setupRequest);
    forgetLook(this.client, this.db, this.checkpointCollectionName);
    forgetCached(this.place);
    if (this.encryption !== undefined) forgetDataKeys(this.keysPlace, this.encryption);
    await this.reach("setup", () => Promise.resolve());
    return [];
  }

  /**
   * Stores what is buffered, with the option `batch`: what all savers of the client have buffered in this saver's
   * collection. Without it, everything is stored already.
   *
   * @throws StorageUnavailableError if the database cannot be reached: what is buffered is kept and tried again
   * @throws the reason why a call that has returned could not be stored, if nobody has been told of it yet
   */
  async flush(): Promise<void> {
    await this.watch("flush", undefined, () => this.writeBehind.flush());
  }

  /**
   * Stores what is buffered, and closes the connection if the saver opened it. A client that was passed in stays
   * open.
   *
   * @throws as {@link MongoDBSaver.flush}; the connection is closed all the same
   */
  async close(): Promise<void> {
    try {
      // A subclass may have a method of its own that it calls flush.
      await MongoDBSaver.prototype.flush.call(this);
    } finally {
      await this.connection.close(this.client);
    }
  }

  /** The same as {@link MongoDBSaver.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * What this process holds in memory of the stored documents. All savers of a client with the same
   * `cacheMaxBytes` share this memory, so the figures are those of all.
   */
  get cacheStats(): CacheStats {
    return this.cache.stats;
  }

  /**
   * How this saver has done since it was made: times of its calls, sizes of checkpoints, failures, retries and
   * conflicts. Nothing is asked of the server.
   */
  stats(): SaverStats {
    return { ...this.health.stats, cache: this.cacheStats };
  }

  /**
   * Listens to events of one type. They come from within the calls, so a listener does little and returns soon.
   *
   * @returns ends it
   * @throws InvalidOptionsError if there is no such type
   * @example
   * ```ts
   * const stop = saver.on("restore-failed", ({ threadId, error }) => log.error({ threadId, error }));
   * ```
   */
  on<Type extends ObservedEvent["type"]>(type: Type, listener: SaverListener<Type>): () => void {
    return this.listeners.add(type, listener);
  }

  /**
   * Returns the checkpoint that the config names, or else the one of its thread and namespace that was put
   * last, whatever the clocks of the processes say.
   *
   * @throws InvalidAddressError if a part of the address is no string
   * @throws CorruptCheckpointError if what is stored is not what was written
   * @throws CheckpointTooLargeError if its state is longer than `maxContentBytes`
   * @throws IntegrityKeyError if it was hashed with a key that the saver does not have
   * @throws ClassNotAllowedError if it holds an object of a class that `allowedObjects` does not name
   * @throws UnsupportedFormatError if a newer version of this package has stored it
   * @throws ThreadArchivedError if the thread is in an archive store and the saver has none; with the option
   *   `archive` it is brought back first
   */
  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const address = parseAddressToRead(config);
    this.runs.note(config);
    if (address === undefined) return undefined;
    return this.reach(
      "getTuple",
      async (context) => {
        const tuple = await getTupleOrAncestor(context, address);
        if (tuple === undefined) return getOfficialTuple(context, address);
        if (this.settings.ttlRefreshOnRead) {
          await refreshThread(context, address.threadId);
        }
        return tuple;
      },
      address.threadId,
    );
  }

  /**
   * Lists checkpoints, newest first, reading them in pages of 100.
   *
   * Within one namespace of a thread they come in the order in which they were put; otherwise in the
   * order of their ids. A filter compares metadata values deeply.
   *
   * @param config only checkpoints of the thread, namespace and id that it names; without it, all
   * @param options.filter entries that are undefined do not count
   * @throws InvalidAddressError if a part of an address is no string
   * @throws InvalidOptionsError if `limit` is no whole number from 0, or `filter` no plain object
   * @throws CorruptCheckpointError if it comes to a checkpoint that is not what was written; so with the
   *   other errors of {@link MongoDBSaver.getTuple}
   */
  override async *list(
    config?: RunnableConfig | null,
    options?: CheckpointListOptions | null,
  ): AsyncGenerator<CheckpointTuple> {
    const address = parseAddressFilter(config);
    const beforeId = parseAddressFilter(options?.before).checkpointId;
    const limit = checkLimit(options?.limit);
    const filter = checkFilter(options?.filter);
    try {
      await this.writeBehind.flushBefore(address.threadId);
      yield* listWithArchived(() => this.open(), { address, beforeId, limit, filter });
    } catch (error) {
      this.health.noteFailure("list", address.threadId, error);
      throw await this.explain(error, "list");
    }
  }

  /**
   * Stores a checkpoint as a child of the one that the config names, and makes it the latest of its
   * namespace. Everything is encoded before the call returns its promise, so the caller may change its
   * objects right after the call.
   *
   * @param newVersions the channels that have changed since the parent; without it, all may have changed. The
   *   others are compared with the parent's too, because nodes may have changed them in place. With a `serde`
   *   they stay as the parent has them. A first checkpoint holds only these channels
   * @returns the config that names the new checkpoint
   * @throws InvalidAddressError if a part of the address is missing or no string
   * @throws UnserializableStateError if a value could not come back as it is; nothing was stored
   * @throws CheckpointTooLargeError if the state exceeds `onCheckpointSize` or `maxContentBytes`; nothing was
   *   stored
   * @throws ThreadDeletedError if the thread was deleted by a saver with `deletedThreadSeconds`
   * @throws WriteConflictError if other writers of the thread were faster at every attempt, for as long as
   *   `retry.deadlineMs`
   * @throws ConcurrentUpdateError if it does not continue the latest checkpoint, with `concurrency: "reject"`
   * @throws ThreadLeasedError if another worker has the lease of the thread
   * @throws LeaseLostError if it is part of a lease that has ended
   */
  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata?: CheckpointMetadata,
    newVersions?: ChannelVersions | null,
  ): Promise<RunnableConfig> {
    const isForkRefused = this.settings.concurrency === "reject";
    const rules = { isForkRefused, isOnlyForChanges: false };
    return this.putBy(rules, config, checkpoint, metadata, newVersions);
  }

  private async putBy(
    rules: Pick<CheckpointToPut, "isForkRefused" | "isOnlyForChanges">,
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata?: CheckpointMetadata,
    newVersions?: ChannelVersions | null,
  ): Promise<RunnableConfig> {
    const { checkpointId: parentCheckpointId, ...namespace } = parseAddress(config);
    const address = { ...namespace, checkpointId: parseNewCheckpointId(checkpoint.id) };
    this.runs.note(config);
    const complete = completeCheckpoint(checkpoint);
    for (const channel of Object.keys(complete.channel_values)) {
      checkChannelLength(channel, "checkpoint.channel_values");
    }
    const request = {
      address,
      parentCheckpointId,
      checkpoint: complete,
      metadata,
      newVersions: newVersions ?? undefined,
    };
    const { serializer, settings } = this;
    const { threadId } = address;
    // What is buffered of the thread is taken for stored.
    const cache = this.writeBehind.cacheOf(threadId, this.cacheOwner) ?? this.cache;
    const origin = readOrigin(config, metadata, settings.indexedConfig);
    const snapshot = new Snapshot({ cache, serializer }, request);
    const put = {
      address,
      parentCheckpointId,
      snapshot,
      ...rules,
      writesUnderWay: this.findEarlierWrites({
        ...address,
        checkpointId: parentCheckpointId ?? "",
      }),
    };
    let isStored = true;
    await this.save(this.findHeld(threadId, config), {
      operation: "put",
      threadId,
      checkpoint: { address, parentCheckpointId },
      isUrgent: false,
      isDecidedByServer: rules.isForkRefused,
      act: async (context) => {
        const record = await putCheckpoint(context, {
          ...put,
          origin: sealOrigin(origin, context.store.encryption),
        });
        isStored = record !== undefined;
        return record;
      },
      finish: keepLast,
    });
    return isStored ? toConfig(address) : config;
  }

  /**
   * Stores what a task wrote after the checkpoint that the config names. If a task's writes to ordinary
   * channels are stored already, they stay. A write to a special channel (error, interrupt, resume value)
   * replaces the earlier one. Everything is encoded before the call returns its promise.
   *
   * @param writes pairs of channel and value
   * @param taskPath the task's place in its superstep. Pending writes are returned in the order of path, task
   *   and index, those without a path first
   * @throws InvalidAddressError if a part of the address or the task's id is missing or no string
   * @throws UnserializableStateError if a value could not come back as it is; nothing was stored
   * @throws CheckpointTooLargeError if the writes are longer than `maxContentBytes`; nothing was stored
   * @throws ThreadDeletedError if the thread was deleted by a saver with `deletedThreadSeconds`
   * @throws WriteConflictError if other writers of the thread were faster at every attempt, for as long as
   *   `retry.deadlineMs`
   * @throws ThreadLeasedError if another worker has the lease of the thread
   * @throws LeaseLostError if they are part of a lease that has ended
   */
  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    taskPath?: string,
  ): Promise<void> {
    const address = parseCheckpointAddress(config);
    const task = { address, taskId: parseTaskId(taskId), taskPath: parseTaskPath(taskPath) };
    if (writes.length === 0) return;
    const encode = takeWrites(this.serializer, writes);
    const held = this.findHeld(address.threadId, config);
    await shareWritesUnderWay(this.place).track(address, (onSubmitted) =>
      this.save(held, {
        operation: "putWrites",
        threadId: address.threadId,
        checkpoint: undefined,
        isUrgent: hasSpecialWrites(writes),
        isDecidedByServer: false,
        act: async (context) => {
          await putWrites(context, task, await encode(), onSubmitted);
          return undefined;
        },
        finish: keepLast,
      }),
    );
  }

  /**
   * Deletes everything that is stored of a thread, in all namespaces, and its copies in the archive store. A run
   * that still writes to it begins a new thread with the same id, unless `deletedThreadSeconds` says otherwise.
   *
   * @throws InvalidAddressError if the id is no string or empty
   * @throws ThreadArchivedError if a copy is in an archive store and the saver has none
   * @throws WriteConflictError if other processes delete and begin the thread again and again, for as long
   *   as `retry.deadlineMs`
   */
  override async deleteThread(threadId: string): Promise<void> {
    const id = parseThreadId(threadId);
    await this.reach("deleteThread", async (context) => {
      const { store, cache, official, deadline, settings } = context;
      await removeCopies(context, id);
      await deleteThread(store, id, deadline, settings.deletedThreadSeconds);
      await official.deleteThread(id);
      cache.forgetThread(id);
    });
  }

  /**
   * Returns what was written to channels since they were last stored as a whole, on the way from the
   * checkpoint that the config names through its parents. LangGraph calls it for a `DeltaChannel`.
   *
   * @throws InvalidAddressError if a part of the address is no string
   * @throws CorruptCheckpointError if what is stored is not what was written
   */
  override async getDeltaChannelHistory(options: {
    config: RunnableConfig;
    channels: string[];
  }): Promise<Record<string, DeltaChannelHistory>> {
    const { channels } = options;
    if (channels.length === 0) return {};
    const address = parseAddressToRead(options.config);
    if (address === undefined) {
      return Object.fromEntries(channels.map((channel) => [channel, { writes: [] }]));
    }
    return this.reach("getDeltaChannelHistory", async (context) => {
      const { history, endsAtRoot } = await getDeltaHistory(context, address, channels);
      // The rest of the way may lie in what the official saver stored.
      return endsAtRoot || !(await context.official.isThere())
        ? history
        : super.getDeltaChannelHistory(options);
    });
  }

  /**
   * Verifies everything that is stored of a thread: every hash, every reference, and the chain of
   * checkpoints. It reads all of the thread.
   *
   * @throws InvalidAddressError if the id is no string or empty
   * @throws IntegrityKeyError if a document was hashed with a key that the saver does not have; that says
   *   nothing about the thread
   */
  async verifyThread(threadId: string): Promise<ThreadReport> {
    const id = parseThreadId(threadId);
    return this.reach("verifyThread", (context) => verifyThread(context, id));
  }

  /**
   * Wraps the data keys of all threads with the current master key, as `threadkeep rekey` does. What is stored of
   * threads stays as it is. It can be ended and begun again at any time, while savers are at work.
   *
   * Change `currentKeyId` of all savers first, with both keys in `keys`. When nothing is `left`, the old key may go.
   *
   * @throws InvalidOptionsError if the saver does not encrypt, or something of the options is wrong or unknown
   * @throws EncryptionKeyError if the key provider fails
   */
  async rekey(options: RekeyOptions = {}): Promise<RekeyResult> {
    const checked = checkRekey(options);
    return this.reach("rekey", (context) => rekey(context.store.encryption, checked));
  }

  /**
   * Removes what nothing needs any more: what rollbacks have discarded, once they cannot be undone; segments that
   * nothing refers to, which a process that died between two commands leaves behind, and so do checkpoints that were
   * removed; and pending writes whose checkpoint went with a prune that died. The first sweep that finds such a
   * segment or such writes marks them, and a later one removes them. So nothing is removed that is in use, or that a
   * `put` under way will refer to.
   *
   * @param options.threadId sweeps only this thread; by default all, one after the other
   * @param options.graceSeconds how long an orphan stays marked before it is removed, at least
   *   600 s; by default 3,600 s
   * @throws InvalidAddressError if the thread id is no string or empty
   * @throws InvalidOptionsError if `graceSeconds` is below 600
   */
  async sweep(options: { threadId?: string; graceSeconds?: number } = {}): Promise<SweepResult> {
    const threadId = options.threadId === undefined ? undefined : parseThreadId(options.threadId);
    const graceMs = checkGrace(options.graceSeconds ?? 3_600) * 1_000;
    return this.reach("sweep", async (context) => {
      await sweepBackups(context, threadId);
      return sweep(context, threadId, graceMs);
    });
  }

  /**
   * Sets how long a thread stays, whatever the saver's `ttl` is: for some seconds after its last write, or until
   * it is deleted. Counted from now on; null for the saver's `ttl` again. A deletion ends it.
   *
   * @throws ThreadNotFoundError if the thread is not there
   * @throws InvalidAddressError if the id is no string or empty
   * @throws InvalidOptionsError if the retention is none
   * @throws WriteConflictError if others keep changing when the thread expires
   */
  async setRetention(threadId: string, retention: ThreadRetention | null): Promise<void> {
    const id = parseThreadId(threadId);
    const checked = checkRetention(retention);
    await this.reach("setRetention", (context) => setRetention(context, id, checked));
  }

  /**
   * Removes checkpoints of threads, each with its pending writes. What stays is read, verified and gone on from
   * as before: the latest checkpoint of each namespace, and the ancestors of which delta channels are made.
   *
   * @param threadIds the threads; undefined for all, but not with the strategy `"delete"`
   * @throws PruneRefusedError if a branch that waits for an answer would go; nothing was changed
   * @throws InvalidOptionsError if the strategy is not known, or its options are wrong
   * @throws InvalidAddressError if an id is no string or empty
   * @throws CorruptCheckpointError if a checkpoint is damaged; its thread is left as it is
   */
  async prune(
    threadIds: readonly string[] | undefined,
    options: PruneOptions,
  ): Promise<PruneResult> {
    const checked = checkPrune(options);
    const ids = checkThreadIds(threadIds, checked.strategy.name);
    return this.reach("prune", (context) => pruneThreads(context, ids, checked));
  }

  /**
   * Changes a thread's state by a checkpoint of its own: reads the latest, asks a function what is to change, and
   * stores that if the latest is still the same. If another writer was faster, it begins again. A state that is the
   * same as before is not stored again: the latest checkpoint stays the latest.
   *
   * @param change gets the values of the channels, and returns those that change; undefined for no change
   * @returns the config of the latest checkpoint; undefined if there was none and nothing was to change
   * @throws ConcurrentUpdateError if another writer was faster at each attempt; nothing was stored
   * @throws InvalidAddressError if the id is no string or empty
   * @throws InvalidOptionsError if an option is wrong or unknown
   */
  async update(
    threadId: string,
    change: ThreadChange,
    options: UpdateOptions = {},
  ): Promise<RunnableConfig | undefined> {
    const id = parseThreadId(threadId);
    const checked = checkUpdate(options);
    const saver: UpdatedSaver = {
      read: (config) => this.getTuple(config),
      put: (...args) => this.putBy({ isForkRefused: true, isOnlyForChanges: true }, ...args),
      getNextVersion: (current) => this.getNextVersion(current as number),
      takeTurn: (act) =>
        this.findHeld(id) === undefined
          ? this.reach("update", (context) => takeTurn(context, this.collectionPath, id, act))
          : act(),
    };
    return updateThread(saver, id, change, checked);
  }

  /**
   * Does something while no other worker writes to a thread. `put` and `putWrites` carry the lease's fencing token
   * in their own command, also those of graphs that are awaited in the function. Others get a `ThreadLeasedError`.
   * The lease is renewed until the function has ended.
   *
   * A worker that was paused for longer than the lease lasts may lose it to another. Whatever it writes then is
   * refused with a `LeaseLostError`.
   *
   * @param act gets the lease; in the lease of the same thread, that one
   * @returns what the function returned
   * @throws ThreadLeasedError if another worker has the lease until `waitMs` is over
   * @throws LeaseLostError if the lease was lost before the function ended
   * @throws InvalidAddressError if the id is no string or empty
   * @throws InvalidOptionsError if an option is wrong or unknown
   */
  async withLease<T>(
    threadId: string,
    act: (lease: ThreadLease) => Promise<T>,
    options: LeaseOptions = {},
  ): Promise<T> {
    const id = parseThreadId(threadId);
    const checked = checkLease("withLease", options);
    const lease = await this.reach("withLease", (context) =>
      takeLease(context, this.collectionPath, id, checked),
    );
    return lease.run(async (own) => {
      const result = await act(own);
      // What was put under the lease cannot be stored after it.
      await this.writeBehind.flush(id);
      return result;
    });
  }

  /**
   * Removes the checkpoints that runs have put, in all threads and namespaces, with their pending writes. The id of
   * a run is what the config of its puts had as `run_id`, in `configurable` or in `metadata`; LangGraph's server
   * gives it so. If the latest checkpoint of a thread goes, the latest that stays takes its place. End the runs
   * before.
   *
   * @throws InvalidOptionsError if `runIds` is no array of non-empty strings
   * @throws CorruptCheckpointError if a checkpoint is damaged; its thread is left as it is
   */
  async deleteForRuns(runIds: readonly string[]): Promise<DeleteForRunsResult> {
    const ids = checkRunIds(runIds);
    return this.reach("deleteForRuns", (context) => deleteForRuns(context, ids));
  }

  /**
   * Copies a thread: all checkpoints of all namespaces with their order and parents, their pending writes and
   * metadata, and the metadata of the thread. The copy can be seen once it is whole. From then on, the two have
   * nothing in common.
   *
   * @throws ThreadNotFoundError if the source is not there
   * @throws ThreadNotEmptyError if the target has checkpoints
   * @throws InvalidOptionsError if both are the same
   * @throws CorruptCheckpointError if something of the source is damaged; there is no copy then
   * @throws WriteConflictError if others keep removing parts of the source, or write to the target meanwhile
   */
  async copyThread(sourceThreadId: string, targetThreadId: string): Promise<CopyThreadResult> {
    const { source, target } = checkCopy(sourceThreadId, targetThreadId);
    return this.reach("copyThread", (context) => copyThread(context, source, target));
  }

  /**
   * Gives a checkpoint a label, by which it is listed and rolled back to: the one that the config names, or the
   * latest of its namespace. A namespace of a thread has each name once; the same label on the same checkpoint
   * once more changes nothing.
   *
   * @throws LabelTakenError if another checkpoint has the name, or this one with another type
   * @throws ThreadNotFoundError if the thread is not there
   * @throws CheckpointNotFoundError if the checkpoint is not
   * @throws InvalidAddressError if a part of the address is missing or no string
   * @throws InvalidOptionsError if the label is wrong, or the checkpoint has 100
   */
  async label(
    config: RunnableConfig,
    label: Pick<NewLabel, "name"> & Partial<NewLabel>,
  ): Promise<Label> {
    const address = parseAddress(config);
    const checked = checkLabel(label);
    return this.reach("label", (context) => labelCheckpoint(context, address, checked));
  }

  /**
   * Lists the labels of a thread, by namespace, in the order of their checkpoints.
   *
   * @throws ThreadNotFoundError if the thread is not there
   * @throws InvalidAddressError if the id is no string or empty
   * @throws InvalidOptionsError if something of the filter is wrong or unknown
   */
  async listLabels(threadId: string, filter: LabelFilter = {}): Promise<readonly Label[]> {
    const id = parseThreadId(threadId);
    const checked = checkLabelFilter(filter);
    return this.reach("listLabels", (context) => listLabels(context, id, checked));
  }

  /**
   * Takes a label off the checkpoint that has it. The checkpoint stays.
   *
   * @param options.checkpointNs the namespace of the checkpoint; by default the root graph
   * @throws LabelNotFoundError if there is no such label
   * @throws ThreadNotFoundError if the thread is not there
   * @throws InvalidAddressError if the id is no string or empty
   */
  async removeLabel(
    threadId: string,
    name: string,
    options: { readonly checkpointNs?: string | undefined } = {},
  ): Promise<void> {
    const id = parseThreadId(threadId);
    const checked = checkLabelName("removeLabel", name);
    const { checkpointNs = "" } = checkLabelFilter(options);
    await this.reach("removeLabel", (context) => removeLabel(context, id, checked, checkpointNs));
  }

  /**
   * Makes an earlier state of a thread the latest, and with it the states that its subgraphs had then. What came
   * after stays in the history, unless it is discarded.
   *
   * If no checkpoint came after the target, it becomes the latest itself, with its pending writes. Otherwise a copy
   * of it does, as LangGraph's own forks are made: its tasks run anew, and an interrupt is asked again.
   *
   * @throws ThreadNotFoundError if the thread is not there
   * @throws LabelNotFoundError if no checkpoint has this id or label
   * @throws CheckpointNotFoundError if there are not so many steps before the latest
   * @throws CorruptCheckpointError if the target is damaged; nothing was changed
   * @throws WriteConflictError if others keep putting checkpoints of the thread
   * @throws InvalidOptionsError if something of the options is wrong or unknown
   */
  async rollback(threadId: string, options: RollbackOptions): Promise<RollbackResult> {
    const id = parseThreadId(threadId);
    const checked = checkRollback(options);
    return this.reach("rollback", (context) => rollBack(context, id, checked));
  }

  /**
   * Undoes the last rollback of a thread: brings back what was discarded, and makes the checkpoint the latest again
   * that was before. Up to ten rollbacks can be undone, one after the other, each for its `backupDays`. What was put
   * since the rollback stays in the history.
   *
   * @returns the config of the latest checkpoint
   * @throws NothingToUndoError if there is no rollback that can be undone
   * @throws ThreadNotFoundError if the thread is not there
   * @throws CheckpointNotFoundError if the checkpoint that was the latest was pruned since
   * @throws WriteConflictError if others keep putting checkpoints of the thread
   */
  async undoRollback(threadId: string): Promise<RunnableConfig> {
    const id = parseThreadId(threadId);
    return this.reach("undoRollback", (context) => undoRollback(context, id));
  }

  /**
   * Branches off a checkpoint.
   *
   * With `to`, its state becomes that of another thread, which has no checkpoints. If no checkpoint came after it,
   * its pending writes go along: a question that waits there for an answer waits in both threads. Without `to`, a
   * copy of it becomes the latest of the same thread, as in {@link MongoDBSaver.rollback}, but not to be undone.
   *
   * @returns the config of the latest checkpoint of the new thread, or of the new branch
   * @throws ThreadNotEmptyError if the other thread has checkpoints
   * @throws ThreadNotFoundError if the thread is not there
   * @throws LabelNotFoundError if no checkpoint has this id or label
   * @throws CheckpointNotFoundError if there are not so many steps before the latest
   * @throws CorruptCheckpointError if the checkpoint is damaged; nothing was changed
   * @throws WriteConflictError if others keep writing to the thread
   * @throws InvalidOptionsError if something of the options is wrong or unknown
   */
  async fork(threadId: string, options: ForkOptions): Promise<RunnableConfig> {
    const id = parseThreadId(threadId);
    const { from, to } = checkFork(options);
    const target = to === undefined ? undefined : parseThreadId(to);
    return this.reach("fork", (context) => forkThread(context, id, from, target));
  }

  /**
   * Compares two checkpoints channel by channel, also of different threads. It reads only what differs: of contents
   * that both checkpoints name alike, nothing. Without a `checkpoint_id`, a config means the latest.
   *
   * @param a the first checkpoint: differences are told as changes of this one
   * @param b the second checkpoint
   * @throws ThreadNotFoundError if a thread is not there
   * @throws CheckpointNotFoundError if a checkpoint is not
   * @throws InvalidAddressError if a part of an address is missing or no string
   * @throws CorruptCheckpointError if something that is read is damaged
   */
  async diff(a: RunnableConfig, b: RunnableConfig): Promise<CheckpointDiff> {
    const [before, after] = [parseAddress(a), parseAddress(b)];
    return this.reach("diff", (context) => diffCheckpoints(context, before, after));
  }

  /** The index of the threads: search, count, read and describe them. */
  get threads(): Threads {
    return new Threads((name, act) => this.reach(name, act));
  }

  // Each call looks up what the saver shares: a subclass may change client and database.

  private get place(): SharedPlace {
    const { client, db, settings } = this;
    const { collectionPrefix } = settings;
    return { client, databaseName: db.databaseName, collectionPrefix };
  }

  private get cache(): Cache {
    return shareCache(this.place, this.settings.cacheMaxBytes, this.cacheOwner);
  }

  private get keysPlace(): KeysPlace {
    const { client, db, settings } = this;
    // Not the saver's own policy: the keys outlive the saver, and so would all of it.
    return { client, db, retryPolicy: toRetryPolicy(settings, () => undefined) };
  }

  private get setupRequest(): SetupRequest {
    const { client, db, settings, checkpointCollectionName: officialName } = this;
    return { client, db, settings, officialName };
  }

  private findHeld(threadId: string, config?: RunnableConfig): HeldThread | undefined {
    return findHeld({ collection: this.collectionPath, threadId }, config);
  }

  private get collectionPath(): string {
    return `${this.db.databaseName}.${nameCollection(this.settings)}`;
  }

  private get writeBehind(): WriteBehind {
    return shareWriteBehind(this.place);
  }

  private findEarlierWrites(parent: CheckpointAddress): EarlierWrites {
    const underWay = shareWritesUnderWay(this.place);
    return this.settings.batch === undefined ? underWay : underWay.asOfNow(parent);
  }

  /** Stores something, now or later. */
  private save(
    held: HeldThread | undefined,
    part: Omit<SavingCall, "health" | "open" | "owner" | "report" | "token">,
  ): Promise<void> {
    const { batch, onEvent: report } = this.settings;
    const { health, cacheOwner: owner, writeBehind } = this;
    const open = async (): Promise<SaverContext> => ({ ...(await this.open()), hold: held });
    const call = { ...part, token: held?.token, owner, health, report, open };
    return this.watch(call.operation, call.threadId, async () => {
      // The order of calls is that in which they come here.
      if (batch !== undefined) return withArchived(open, () => writeBehind.save(call, batch));
      await writeBehind.flushBefore(call.threadId);
      const context = await open();
      return withArchived(open, () => carryOut(call, context));
    });
  }

  /** Does something with the database, once what is buffered is stored. */
  private reach<T>(
    name: string,
    act: (context: SaverContext) => Promise<T>,
    threadId?: string,
  ): Promise<T> {
    return this.watch(name, threadId, async () => {
      await this.writeBehind.flushBefore(threadId);
      const context = await this.open();
      return withArchived(
        () => this.open(),
        () => act(context),
      );
    });
  }

  /** What the driver throws comes out as an error of this package. */
  private watch<T>(name: string, threadId: string | undefined, act: () => Promise<T>): Promise<T> {
    return this.health.watch(name, threadId, async () => {
      try {
        return await act();
      } catch (error) {
        throw await this.explain(error, name);
      }
    });
  }

  /** @internal For the other entry points of this package. */
  [REACH_STORAGE]<T>(name: string, act: (context: SaverContext) => Promise<T>): Promise<T> {
    return this.reach(name, act);
  }

  /** What a call of a user throws. */
  private async explain(error: unknown, name: string): Promise<unknown> {
    const { db, settings } = this;
    const named = await nameNeededKey(error, db, settings.collectionPrefix);
    return explainRefusal(named, `${name} of MongoDBSaver`);
  }

  private async open(): Promise<SaverContext> {
    checkRuntime();
    const { client, db, hasher: ownHasher, serde, serializer, settings, retryPolicy } = this;
    const { store, official, hasher } = await this.connection.open({
      client,
      db,
      settings,
      limits: retryPolicy.limits,
      officialNames: {
        checkpoints: this.checkpointCollectionName,
        writes: this.checkpointWritesCollectionName,
      },
      serde,
      serializer,
      hasher: ownHasher,
      encryption: this.encryption,
      keysPlace: this.keysPlace,
    });
    const { cache, health } = this;
    return {
      store,
      cache,
      serializer,
      hasher,
      settings,
      health,
      deadline: new ConflictDeadline(settings.retry.deadlineMs, health.noteConflict),
      earlyStandings: shareEarlyStandings(this.place),
      hold: undefined,
      setsSeen: settings.witness ? shareSetsSeen(this.place) : undefined,
      official,
    };
  }
}

function toRetryPolicy(
  { retry, operationTimeoutMs }: SaverSettings,
  onRetry: () => void,
): RetryPolicy {
  return new RetryPolicy({ deadlineMs: retry.deadlineMs, operationTimeoutMs, onRetry });
}
