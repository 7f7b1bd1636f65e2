import type { ChangeStream, ChangeStreamDocument, Collection, Document } from "mongodb";
import { sealError } from "./seal-value.ts";
import type { SaverContext } from "../context/context.ts";
import { isConflict } from "../driver/bulk-errors.ts";
import { ensureIndexes } from "../driver/ensure-indexes.ts";
import { OncePerClient } from "../driver/once-per-client.ts";
import { openCollection } from "../driver/open-database.ts";
import type { RunDocument } from "./run-document.ts";
import { hasEnded, type RunStatus } from "./run.ts";

/** How long a run behind another waits before somebody looks, should nobody let it on. */
const LOOK_AGAIN_MS = 30_000;

const INDEXES = [
  // One run has the thread: the one with the empty slot.
  { key: { thread_id: 1, slot: 1 }, name: "slot", unique: true },
  // What has to be looked at, of all graphs.
  { key: { wake_at: 1, graph: 1, version: 1 }, name: "due" },
  { key: { created_at: -1, _id: -1 }, name: "created" },
  { key: { status: 1, created_at: -1, _id: -1 }, name: "status" },
  { key: { expires_at: 1 }, name: "expiry", expireAfterSeconds: 0 },
];

const setups = new OncePerClient<void>();

/** A run to start. */
export type NewRun = Pick<
  RunDocument,
  "_id" | "thread_id" | "graph" | "version" | "request" | "input"
>;

/** The lease of a run. Whatever its holder records names both. */
export interface HeldLease {
  readonly runId: string;
  readonly token: number;
  readonly lease: string;
}

/** Whom a lease is given to. */
export interface LeaseRequest {
  /** A random name of this lease. */
  readonly lease: string;
  readonly worker: string;
  readonly ttlMs: number;
  /** Which runs may be taken. */
  readonly accepted: object;
}

/** A run that has to be looked at. */
export type FoundRun = Pick<RunDocument, "_id" | "status" | "token" | "wake_at">;

/** A change of a run that {@link RunStore.watch} tells. */
export interface RunChange {
  readonly operationType: string;
  readonly documentKey?: { readonly _id: string };
  readonly updateDescription?: { readonly updatedFields?: { readonly cancel?: boolean } };
}

/** What workers want to hear of: a run that is started, queued, let on by the one before it, or to be cancelled. */
const WATCHED: Document[] = [
  {
    $match: {
      $or: [
        { operationType: { $in: ["insert", "invalidate"] } },
        { "updateDescription.updatedFields.status": "queued" },
        { "updateDescription.updatedFields.slot": "" },
        { "updateDescription.updatedFields.cancel": true },
      ],
    },
  },
  { $project: { operationType: 1, documentKey: 1, "updateDescription.updatedFields.cancel": 1 } },
];

/** What the holder of a lease records of its run, and with that gives the lease back. */
export interface RunRecord {
  readonly status: RunStatus;
  /** From now, in milliseconds; undefined if nobody has to look at it. */
  readonly wakeAfterMs?: number | undefined;
  /** In place of {@link RunRecord.wakeAfterMs}. */
  readonly wakeAt?: Date | undefined;
  /** A null takes the field off. */
  readonly fields: Partial<Record<keyof RunDocument, unknown>>;
}

/** The moment that lies so far ahead by the server's clock. */
function afterNow(milliseconds: number): Document {
  return { $dateAdd: { startDate: "$$NOW", unit: "millisecond", amount: Math.ceil(milliseconds) } };
}

/** Without $literal, a text that begins with $ would be an expression. */
function literal(fields: Readonly<Record<string, unknown>>): Document {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, value === null ? "$$REMOVE" : { $literal: value }]),
  );
}

/**
 * The collection of a saver's runs. Every change is one command on one run, which finds its own result if it is
 * repeated, and takes the time from the server.
 */
export class RunStore {
  readonly #collection: Collection<RunDocument>;
  readonly #context: SaverContext;
  readonly #expiresAfterMs: number | undefined;

  private constructor(
    context: SaverContext,
    collection: Collection<RunDocument>,
    expiresAfterMs: number | undefined,
  ) {
    this.#context = context;
    this.#collection = collection;
    this.#expiresAfterMs = expiresAfterMs;
  }

  /**
   * @param client what remembers that the indexes were made
   * @param expiresAfterMs how long ended runs stay; undefined for ever
   */
  static async open(
    client: object,
    context: SaverContext,
    expiresAfterMs: number | undefined,
  ): Promise<RunStore> {
    const { store, settings } = context;
    const name = `${settings.collectionPrefix}runs`;
    const collection = openCollection<RunDocument>(store.db, name);
    await setups.do(client, collection.namespace, () =>
      ensureIndexes(store.db, collection, INDEXES, { changesExpiry: false }),
    );
    return new RunStore(context, collection, expiresAfterMs);
  }

  /** Forgets that the indexes were made. */
  static forget(client: object, { store, settings }: SaverContext): void {
    setups.forget(client, `${store.db.databaseName}.${settings.collectionPrefix}runs`);
  }

  /** The server's time, from the server. */
  askTime(): Promise<number> {
    return this.#context.store.askTime();
  }

  find(runId: string): Promise<RunDocument | undefined> {
    return this.#collection.findOne({ _id: runId }).then((found) => found ?? undefined);
  }

  /**
   * Stores a run, unless there is one with its id.
   *
   * @returns the run that is there now
   */
  async insert(run: NewRun): Promise<RunDocument> {
    // The thread is free, or another run has it.
    const inserted = (await this.#insertAt(run, "")) ?? (await this.#insertAt(run, run._id));
    if (inserted === undefined) {
      // Another process has stored the same run between the two.
      const found = await this.find(run._id);
      if (found !== undefined) return found;
      throw new Error(`Run "${run._id}" could neither be stored nor found.`);
    }
    if (inserted.slot !== "" && inserted.status === "queued") {
      // The run that had the thread may have ended meanwhile, before it could see this one.
      const promoted = await this.promoteNext(run.thread_id);
      if (promoted === run._id) return { ...inserted, slot: "" };
    }
    return inserted;
  }

  async #insertAt(run: NewRun, slot: string): Promise<RunDocument | undefined> {
    const fields = {
      ...literal({ ...run, slot, status: "queued", turn: 0, token: 0, attempts: 0 }),
      created_at: "$$NOW",
      updated_at: "$$NOW",
      wake_at: slot === "" ? "$$NOW" : afterNow(LOOK_AGAIN_MS),
    };
    const isNew = { $eq: [{ $type: "$status" }, "missing"] };
    try {
      const found = await this.#collection.findOneAndUpdate(
        { _id: run._id },
        [{ $replaceWith: { $cond: [isNew, fields, "$$ROOT"] } }],
        { upsert: true, returnDocument: "after" },
      );
      return found ?? undefined;
    } catch (error) {
      if (isConflict(error)) return undefined;
      throw error;
    }
  }

  /**
   * Gives the thread to the oldest run that is queued behind another, if no run has the thread.
   *
   * @returns the id of that run, or undefined
   */
  async promoteNext(threadId: string): Promise<string | undefined> {
    const behind = { thread_id: threadId, slot: { $ne: "" }, status: "queued" } as const;
    try {
      const promoted = await this.#collection.findOneAndUpdate(
        behind,
        [{ $set: { slot: { $literal: "" }, wake_at: "$$NOW", updated_at: "$$NOW" } }],
        {
          sort: { created_at: 1, _id: 1 },
          projection: { _id: 1 },
          returnDocument: "after",
        },
      );
      return promoted?._id;
    } catch (error) {
      // Another run has it.
      if (isConflict(error)) return undefined;
      throw error;
    }
  }

  /** Lets a run behind another be looked at later. */
  async postpone(runId: string): Promise<void> {
    await this.#collection.updateOne({ _id: runId, status: "queued", slot: { $ne: "" } }, [
      { $set: { wake_at: afterNow(LOOK_AGAIN_MS) } },
    ]);
  }

  /**
   * Takes a run whose time has come: it is due, its lease is over, or it wakes.
   *
   * @returns undefined if it is not to be taken
   */
  async take(runId: string, request: LeaseRequest): Promise<RunDocument | undefined> {
    const { lease, worker, ttlMs, accepted } = request;
    const due = { $expr: { $lte: ["$wake_at", "$$NOW"] }, wake_at: { $type: "date" } };
    const taken = await this.#collection.findOneAndUpdate(
      {
        $and: [
          { _id: runId, slot: "", status: { $in: ["queued", "running", "waiting"] }, ...due },
          accepted,
        ],
      },
      [
        {
          $set: {
            ...literal({ status: "running", lease, worker }),
            token: { $add: ["$token", 1] },
            attempts: { $add: ["$attempts", 1] },
            wake_at: afterNow(ttlMs),
            updated_at: "$$NOW",
          },
        },
      ],
      { returnDocument: "after" },
    );
    if (taken !== null) return taken;
    // A repeated command finds what it has done itself.
    const found = await this.#collection.findOne({ _id: runId, status: "running", lease });
    return found ?? undefined;
  }

  /**
   * Renews a lease.
   *
   * @param gotFurther whether the run has stored something since it was taken
   * @returns undefined if the lease is lost
   */
  async renew(
    { runId, token, lease }: HeldLease,
    ttlMs: number,
    gotFurther: boolean,
  ): Promise<Pick<RunDocument, "cancel"> | undefined> {
    const renewed = await this.#collection.findOneAndUpdate(
      { _id: runId, token, lease, status: "running" },
      [{ $set: { wake_at: afterNow(ttlMs), ...(gotFurther && { attempts: 1 }) } }],
      { projection: { cancel: 1 }, returnDocument: "after" },
    );
    return renewed ?? undefined;
  }

  /**
   * Records what came of a run, and gives its lease back.
   *
   * @returns undefined if the lease is lost
   */
  async record(
    { runId, token, lease }: HeldLease,
    record: RunRecord,
  ): Promise<RunDocument | undefined> {
    const recorded = await this.#collection.findOneAndUpdate(
      { _id: runId, token, lease, status: "running" },
      [{ $set: this.#change(runId, record) }],
      { returnDocument: "after" },
    );
    if (recorded !== null) return recorded;
    const { status } = record;
    const found = await this.#collection.findOne({ _id: runId, token, lease, status });
    return found ?? undefined;
  }

  /**
   * Changes a run that nobody has the lease of.
   *
   * @param condition what must hold of it
   * @returns undefined if that does not hold
   */
  async change(
    runId: string,
    condition: object,
    record: RunRecord,
  ): Promise<RunDocument | undefined> {
    try {
      const changed = await this.#collection.findOneAndUpdate(
        { ...condition, _id: runId },
        [{ $set: this.#change(runId, record) }],
        { returnDocument: "after" },
      );
      return changed ?? undefined;
    } catch (error) {
      // Another run has the thread.
      if (isConflict(error)) return undefined;
      throw error;
    }
  }

  /** Asks the worker that has a run to cancel it. */
  async askToCancel(runId: string): Promise<RunDocument | undefined> {
    const asked = await this.#collection.findOneAndUpdate(
      { _id: runId, status: "running" },
      [{ $set: { cancel: true, updated_at: "$$NOW" } }],
      { returnDocument: "after" },
    );
    return asked ?? undefined;
  }

  /** The server's time as this process reckons it. */
  estimateTime(): number {
    return this.#context.store.estimateTime();
  }

  /**
   * Finds runs whose time has come or will have come by then, those that wait longest first. Whether it has is decided
   * by the server, when a run is taken.
   */
  async findDue(accepted: object, untilMs: number, limit: number): Promise<FoundRun[]> {
    return this.#collection
      .find(
        { $and: [{ wake_at: { $lte: new Date(untilMs) } }, accepted] },
        {
          projection: { status: 1, token: 1, wake_at: 1 },
        },
      )
      .sort({ wake_at: 1 })
      .limit(limit)
      .toArray();
  }

  /**
   * Opens a stream of the changes that workers want to hear of.
   *
   * @param holdOpenMs how long the server waits for a change before it replies that there is none
   */
  watch(holdOpenMs: number): ChangeStream<Document, ChangeStreamDocument> {
    return this.#collection.watch<Document, ChangeStreamDocument>(WATCHED, {
      maxAwaitTimeMS: holdOpenMs,
    });
  }

  /** Counts the due runs that these graphs cannot go on with, by graph and version. */
  async countOthers(
    accepted: object,
  ): Promise<readonly { graph: string; version: string | undefined; count: number }[]> {
    const now = new Date(this.estimateTime());
    const groups = await this.#collection
      .aggregate<{ _id: { graph: string; version?: string }; count: number }>([
        { $match: { $and: [{ wake_at: { $lte: now } }, { $nor: [accepted] }] } },
        { $limit: 1_000 },
        { $group: { _id: { graph: "$graph", version: "$version" }, count: { $sum: 1 } } },
      ])
      .toArray();
    return groups.map(({ _id: { graph, version }, count }) => ({ graph, version, count }));
  }

  /** Lists runs, those that were started last first. */
  list(filter: object, limit: number): Promise<RunDocument[]> {
    return this.#collection.find(filter).sort({ created_at: -1, _id: -1 }).limit(limit).toArray();
  }

  #change(runId: string, { status, wakeAfterMs, wakeAt, fields }: RunRecord): Document {
    const { encryption, Binary } = this.#context.store;
    const error = sealError(encryption, Binary, runId, fields.error);
    const ends = hasEnded(status);
    const wake = wakeAfterMs === undefined ? (wakeAt ?? "$$REMOVE") : afterNow(wakeAfterMs);
    const expiry =
      ends && this.#expiresAfterMs !== undefined ? afterNow(this.#expiresAfterMs) : "$$REMOVE";
    return {
      // An ended run leaves the thread to the next one.
      ...(ends && { slot: "$_id" }),
      ...literal({ status, ...fields, error }),
      wake_at: wake,
      updated_at: "$$NOW",
      ended_at: ends ? "$$NOW" : "$$REMOVE",
      expires_at: expiry,
    };
  }
}
