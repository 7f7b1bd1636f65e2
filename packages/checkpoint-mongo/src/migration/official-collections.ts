import { PlaintextRefusedError } from "../errors/plaintext-refused-error.ts";
import {
  TASKS,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
  type SerializerProtocol,
} from "@langchain/langgraph-checkpoint";
import type { Binary, Collection, Db, Document, Filter, Sort } from "mongodb";
import { type CheckpointAddress, type OpenAddress, toConfig } from "../address/address.ts";
import { readAddress } from "../address/read-address.ts";
import { type PositionedWrite, arrangeWrites, mergeWrites } from "../documents/pending-writes.ts";
import { deleteAll } from "../driver/change-many.ts";
import { toBytes } from "../driver/binary.ts";
import { openCollection } from "../driver/open-database.ts";
import { type ListedAddress, matchListed } from "../store/match-listed.ts";
import { oneOf } from "../store/one-of.ts";
import { migrateSends } from "./migrate-sends.ts";

/** Reads the pending writes of a checkpoint. */
type ReadWrites = (address: CheckpointAddress) => Promise<readonly PositionedWrite[]>;

/** A checkpoint as `@langchain/langgraph-checkpoint-mongodb` stores it. */
interface OfficialCheckpoint {
  readonly thread_id: string;
  readonly checkpoint_ns: string;
  readonly checkpoint_id: string;
  readonly parent_checkpoint_id?: string | null;
  /** The serializer's type, of both the checkpoint and its metadata. */
  readonly type: string;
  readonly checkpoint: Binary;
  readonly metadata: Binary;
}

/** A pending write as `@langchain/langgraph-checkpoint-mongodb` stores it. */
interface OfficialWrite {
  readonly thread_id: string;
  readonly checkpoint_ns: string;
  readonly checkpoint_id: string;
  readonly task_id: string;
  readonly idx: number;
  readonly channel: string;
  readonly type: string;
  readonly value: Binary;
}

/** A thread as the official saver stored it. */
export interface OfficialThread {
  readonly threadId: string;
  /** Of all namespaces. */
  readonly checkpoints: number;
}

/** A checkpoint as the official saver stored it, and its pending writes with their positions. */
export interface OfficialStep {
  readonly tuple: CheckpointTuple;
  readonly writes: readonly PositionedWrite[];
}

/** What the official saver's collections are called. */
export interface OfficialNames {
  readonly checkpoints: string;
  readonly writes: string;
}

/**
 * Reads what `@langchain/langgraph-checkpoint-mongodb` stored, so that its threads go on under this
 * saver without a stop. Nothing is written there.
 */
export class OfficialCollections {
  readonly #db: Db;
  readonly #names: OfficialNames;
  readonly #serde: SerializerProtocol;
  readonly #isRefused: boolean;
  /** Whether the official saver has stored anything. Where it has not, nothing is found. */
  readonly isThere: () => Promise<boolean>;

  /**
   * @param serde the serializer that the official saver used
   * @param isThere tells whether there are such collections; asked before each use
   * @param isRefused whether nothing is read, because all that lies there is in clear text
   */
  constructor(
    db: Db,
    names: OfficialNames,
    serde: SerializerProtocol,
    isThere: () => Promise<boolean>,
    isRefused = false,
  ) {
    this.#db = db;
    this.#names = names;
    this.#serde = serde;
    this.isThere = isThere;
    this.#isRefused = isRefused;
  }

  /** The same, also where an encrypted saver refuses to read it. */
  withoutRefusal(): OfficialCollections {
    return new OfficialCollections(this.#db, this.#names, this.#serde, this.isThere);
  }

  /**
   * Reads a checkpoint, or the latest one of its namespace: the one with the greatest id.
   *
   * @param readLater gives writes that were added to a checkpoint elsewhere since
   */
  async getTuple(
    { threadId, checkpointNs, checkpointId }: OpenAddress,
    readLater: ReadWrites,
  ): Promise<CheckpointTuple | undefined> {
    if (!(await this.isThere())) return undefined;
    const document = await this.#checkpoints.findOne(
      {
        ...IS_CHECKPOINT,
        thread_id: threadId,
        checkpoint_ns: checkpointNs,
        ...(checkpointId !== undefined && { checkpoint_id: checkpointId }),
      },
      { sort: NEWEST_FIRST },
    );
    return document === null ? undefined : this.#read(document, readLater);
  }

  /** Whether anything of a thread is stored there. */
  async hasThread(threadId: string): Promise<boolean> {
    if (!(await this.isThere())) return false;
    const filter = { ...IS_CHECKPOINT, thread_id: threadId };
    return (await this.#checkpoints.findOne(filter, { projection: { _id: 1 } })) !== null;
  }

  /** Lists checkpoints, those with the greatest ids first. */
  async *list(listed: ListedAddress): AsyncGenerator<CheckpointTuple> {
    if (!(await this.isThere())) return;
    const filter = { ...IS_CHECKPOINT, ...matchListed(listed) };
    const cursor = this.#checkpoints.find(filter, { sort: NEWEST_FIRST });
    for await (const document of cursor) yield await this.#read(document);
  }

  /** All threads that are stored there, by their ids. */
  async *listThreads(): AsyncGenerator<OfficialThread> {
    if (!(await this.isThere())) return;
    const threads = this.#checkpoints.aggregate<{
      readonly _id: unknown;
      readonly checkpoints: number;
    }>(
      [
        { $match: IS_CHECKPOINT },
        { $group: { _id: "$thread_id", checkpoints: { $sum: 1 } } },
        { $sort: { _id: 1 } },
      ],
      { allowDiskUse: true },
    );
    for await (const { _id: threadId, checkpoints } of threads) {
      if (typeof threadId === "string") yield { threadId, checkpoints };
    }
  }

  /** Where the checkpoints of threads lie. */
  async listPlaces(threadIds: readonly string[]): Promise<readonly CheckpointAddress[]> {
    if (threadIds.length === 0 || !(await this.isThere())) return [];
    const documents = await this.#checkpoints
      .find({ ...IS_CHECKPOINT, thread_id: oneOf(threadIds) })
      .project<OfficialCheckpoint>({ thread_id: 1, checkpoint_ns: 1, checkpoint_id: 1 })
      .toArray();
    return documents.map(readAddress);
  }

  /** The checkpoints of a thread with their pending writes, by namespace, those with the least ids first. */
  async *walk(threadId: string): AsyncGenerator<OfficialStep> {
    if (!(await this.isThere())) return;
    const cursor = this.#checkpoints.find(
      { ...IS_CHECKPOINT, thread_id: threadId },
      { sort: { checkpoint_ns: 1, checkpoint_id: 1 } },
    );
    for await (const document of cursor) {
      let writes: readonly PositionedWrite[] = [];
      const tuple = await this.#read(document, undefined, (own) => (writes = own));
      yield { tuple, writes };
    }
  }

  /** Deletes what is stored there of a thread. */
  async deleteThread(threadId: string): Promise<void> {
    if (!(await this.isThere())) return;
    await deleteAll(this.#checkpoints, { ...IS_CHECKPOINT, thread_id: threadId });
    await deleteAll(this.#writes, { thread_id: threadId, channel: { $type: "string" } });
  }

  /**
   * Removes a thread that is stored elsewhere too. Its checkpoints go last: if the process dies, they show that it
   * is not done.
   */
  async dropThread(threadId: string): Promise<void> {
    await this.#writes.deleteMany({ thread_id: threadId, channel: { $type: "string" } });
    await this.#checkpoints.deleteMany({ ...IS_CHECKPOINT, thread_id: threadId });
  }

  // Most savers never need them, so they are not made beforehand.

  get #checkpoints(): Collection<OfficialCheckpoint> {
    return openCollection(this.#db, this.#names.checkpoints);
  }

  get #writes(): Collection<OfficialWrite> {
    return openCollection(this.#db, this.#names.writes);
  }

  async #read(
    document: OfficialCheckpoint,
    readLater: ReadWrites = () => Promise.resolve([]),
    onWrites: (writes: readonly PositionedWrite[]) => void = () => undefined,
  ): Promise<CheckpointTuple> {
    const address = readAddress(document);
    if (this.#isRefused) {
      throw new PlaintextRefusedError(
        `checkpoint ${address.checkpointId} of thread "${address.threadId}", which the official saver stored`,
      );
    }
    const parentId = document.parent_checkpoint_id ?? undefined;
    const checkpoint = (await this.#load(document.type, document.checkpoint)) as Checkpoint;
    if (checkpoint.v < 4 && parentId !== undefined) {
      const parent = { ...address, checkpointId: parentId };
      migrateSends(checkpoint, arrangeWrites(await this.#readWrites(parent, TASKS)));
    }
    const writes = await this.#readWrites(address);
    onWrites(writes);
    return {
      config: toConfig(address),
      checkpoint,
      metadata: (await this.#load(document.type, document.metadata)) as CheckpointMetadata,
      pendingWrites: arrangeWrites(mergeWrites(writes, await readLater(address))),
      ...(parentId !== undefined && {
        parentConfig: toConfig({ ...address, checkpointId: parentId }),
      }),
    };
  }

  async #readWrites(
    { threadId, checkpointNs, checkpointId }: CheckpointAddress,
    channel?: string,
  ): Promise<PositionedWrite[]> {
    const documents = await this.#writes
      .find({
        thread_id: threadId,
        checkpoint_ns: checkpointNs,
        checkpoint_id: checkpointId,
        ...(channel !== undefined && { channel }),
      })
      .toArray();
    const writes: PositionedWrite[] = [];
    for (const { task_id: taskId, idx: index, channel: name, type, value } of documents) {
      writes.push({
        taskId,
        // It keeps none.
        taskPath: "",
        index,
        channel: name,
        value: await this.#load(type, value),
      });
    }
    return writes;
  }

  async #load(type: string, value: Binary): Promise<unknown> {
    return (await this.#serde.loadsTyped(type, toBytes(value))) as unknown;
  }
}

/** A collection of that name may be something else's. */
const IS_CHECKPOINT: Filter<OfficialCheckpoint> & Document = {
  type: { $type: "string" },
  checkpoint: { $type: "binData" },
};

const NEWEST_FIRST: Sort = { checkpoint_id: -1 };
