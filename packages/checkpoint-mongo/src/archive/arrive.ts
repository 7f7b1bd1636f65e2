// Not by name: see check-node.ts.
import crypto from "node:crypto";
import type { SaverContext } from "../context/context.ts";
import type {
  CheckpointDocument,
  DiscardedDocument,
  SegmentDocument,
  StoredStanding,
  ThreadDocument,
  WriteSetDocument,
} from "../documents/documents.ts";
import { bytesToHex, toBytes } from "../driver/binary.ts";
import { measureDocument } from "../driver/measure-document.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { asMissing, asWrongHash } from "../errors/corruption.ts";
import { InvalidArchiveError } from "../errors/invalid-archive-error.ts";
import { hashNamespace } from "../integrity/hashes.ts";
import { listWriteSegments } from "../read/read-writes.ts";
import { readRecord, type CheckpointRecord } from "../records/checkpoint-record.ts";
import { raiseBy, readStanding, toCode } from "../records/standing.ts";
import {
  abandonArrival,
  beginArrival,
  commitArrival,
  isUndisturbed,
  renewArrival,
  storeArriving,
  type Arrival,
  type ArrivedRecord,
} from "../store/arriving-thread.ts";
import { isCounted } from "../store/mark-sets.ts";
import { outlive, toLife } from "../store/thread-record.ts";
import { chooseExpiryBy } from "../threads/prepare-thread.ts";
import { ThreadInForce } from "../upkeep/thread-in-force.ts";
import { verifyLife } from "../upkeep/verify-thread.ts";
import {
  isCutOff,
  rebindCheckpoint,
  rebindDiscarded,
  rebindSegment,
  rebindWriteSet,
  renameMark,
  type NewPlace,
  type RebindCheckpointOptions,
} from "./rebind.ts";
import { toSealedMetadata } from "./sealed-metadata.ts";

/** A stored document of a thread, by its kind. */
export type ThreadPartDocument = (
  | { readonly kind: "checkpoint"; readonly document: CheckpointDocument }
  | { readonly kind: "discarded"; readonly document: DiscardedDocument }
  | { readonly kind: "writes"; readonly document: WriteSetDocument }
  | { readonly kind: "segment"; readonly document: SegmentDocument }
) & {
  /** Of the archive that it was read from. */
  readonly line?: number;
};

/** How many documents of each kind there are. */
export interface DocumentCounts {
  readonly checkpoints: number;
  readonly writes: number;
  readonly segments: number;
}

/** How a thread's arrival ended: others may get in its way. */
export type ArrivalOutcome = DocumentCounts | "overtaken";

/** Options of {@link bringIn}. */
interface ArrivalOptions {
  readonly isVerified?: boolean;
  readonly isFromElsewhere?: boolean;
}

/** Documents stored with one command. */
const BATCH_DOCUMENTS = 500;
const BATCH_BYTES = 2 * 1_024 * 1_024;

/** How often an attempt says that it goes on. */
const RENEW_MS = 3_000;

/**
 * Brings a whole thread in: verifies its documents, makes them those of its next life, verifies what was stored,
 * and then begins that life with one update. Until then nobody sees anything of it.
 *
 * @param record of the thread, of which nothing is here
 * @param documents checkpoints in the order of namespace and place, also what rollbacks have discarded, then writes,
 *   then segments part by part
 * @param entry what the thread's record holds from then on. What a rollback has discarded that it does not name is
 *   left out: it could not come back any more
 * @param options.isVerified whether what was stored is read back and verified; by default true
 * @param options.isFromElsewhere whether an encrypted saver of another collection has made the documents
 * @throws CorruptCheckpointError if a document is not as it was written
 * @throws InvalidArchiveError if they do not make a whole thread
 */
export async function bringIn(
  context: SaverContext,
  record: ThreadDocument,
  documents: AsyncIterable<ThreadPartDocument>,
  entry: ArrivedRecord,
  { isVerified = true, isFromElsewhere = false }: ArrivalOptions = {},
): Promise<ArrivalOutcome> {
  const { store, cache } = context;
  const arrival = await beginArrival(store, record, crypto.randomUUID());
  if (arrival === undefined) return "overtaken";
  const expiresAt = chooseExpiryBy(context, 0, entry.retention)();
  const rollbacks = new Set(Object.keys(entry.rollbacks ?? {}));
  const place = { ...arrival, expiresAt, isFromElsewhere };
  const thread = new ArrivingThread(context, arrival, place, rollbacks);
  // A failure shows in what comes after, and others then take over.
  const renew = (): void => void renewArrival(store, arrival).catch(() => undefined);
  const renewing = setInterval(renew, RENEW_MS);
  renewing.unref();
  try {
    for await (const part of documents) await thread.add(part);
    await thread.finish();
    const damage = isVerified ? await verify(context, arrival, expiresAt) : undefined;
    // Others may have removed or replaced what was stored.
    if (damage !== undefined) throw (await isUndisturbed(store, arrival)) ? damage : OVERTAKEN;
  } catch (error) {
    await abandonArrival(store, arrival);
    if (error === OVERTAKEN) return "overtaken";
    throw error;
  } finally {
    clearInterval(renewing);
  }
  const newest = context.settings.witness ? { newest: thread.listNewest() } : {};
  // Whatever this process remembers is of an earlier life.
  cache.forgetThread(arrival.threadId);
  const isThere = await commitArrival(store, arrival, record, expiresAt, { ...entry, ...newest });
  cache.forgetThread(arrival.threadId);
  if (isThere) return thread.counts;
  await abandonArrival(store, arrival);
  return "overtaken";
}

const OVERTAKEN: Error = new Error("Another attempt has overtaken this one.");

async function verify(
  context: SaverContext,
  { threadId, life }: Arrival,
  expiresAt: Date | undefined,
): Promise<InvalidArchiveError | undefined> {
  const record: ThreadDocument = {
    _id: threadId,
    thread_id: threadId,
    kind: "thread",
    ...toLife(threadId, life),
    ...(expiresAt !== undefined && { expires_at: outlive(expiresAt) }),
  };
  const nowMs = context.store.estimateTime();
  const { damages } = await verifyLife(context, new ThreadInForce(threadId, [record], nowMs));
  const [damage] = damages;
  if (damage === undefined) return undefined;
  const { document, which, expected, found } = damage;
  return new InvalidArchiveError(
    `it is of a thread that is not whole: ${document} ${which}: expected ${expected}, found ${found}`,
  );
}

/** The hashes of a checkpoint, where it comes from and here. */
interface Rebound {
  /** Also those of former places in the order: children may know it by them. */
  readonly formerHashes: readonly Uint8Array[];
  readonly hash: Uint8Array;
}

/** What a checkpoint says of its parent from now on. */
type NewParent = Pick<RebindCheckpointOptions, "parentHash" | "isCut">;

/** A document that waits for others. */
interface Waiting<T> {
  readonly document: T;
  readonly line?: number | undefined;
}

/** The documents of a thread that arrives. */
class ArrivingThread {
  readonly #context: SaverContext;
  readonly #arrival: Arrival;
  readonly #place: NewPlace;
  #batch: ThreadPartDocument["document"][] = [];
  #batchBytes = 0;
  readonly #counts = { checkpoints: 0, writes: 0, segments: 0 };
  /** It is known to be the latest of its namespace when the next one comes. */
  #waiting: Waiting<CheckpointDocument> | undefined;
  /** What rollbacks have discarded that stands behind it. */
  #behind: Waiting<DiscardedDocument>[] = [];
  /** Rollbacks that can be undone. */
  readonly #rollbacks: ReadonlySet<string>;
  /** What other rollbacks have discarded. */
  readonly #leftOut = new Set<string>();
  readonly #rebound = new Map<string, Rebound>();
  readonly #newest = new Map<string, number>();
  /** Sets whose values lie in segments, which come after them. */
  readonly #withSegments: Waiting<WriteSetDocument>[] = [];
  /** New marks of sets, by the former ones. */
  readonly #marks = new Map<string, Uint8Array>();
  readonly #marked: (CheckpointDocument | DiscardedDocument)[] = [];
  #root: { readonly document: CheckpointDocument; readonly record: CheckpointRecord } | undefined;
  readonly #rootPlaces: number[] = [];

  constructor(
    context: SaverContext,
    arrival: Arrival,
    place: NewPlace,
    rollbacks: ReadonlySet<string>,
  ) {
    this.#rollbacks = rollbacks;
    this.#context = context;
    this.#arrival = arrival;
    this.#place = place;
  }

  get counts(): DocumentCounts {
    return { ...this.#counts };
  }

  /** The highest place of each namespace, as a record with the option `witness` has it. */
  listNewest(): NonNullable<ThreadDocument["newest"]> {
    const counted = [...this.#newest].filter(([namespace]) => isCounted(namespace));
    const places = counted.map(([namespace, seq]) => [hashNamespace(namespace), seq] as const);
    return { [this.#arrival.life]: Object.fromEntries(places) };
  }

  async add(part: ThreadPartDocument): Promise<void> {
    switch (part.kind) {
      case "checkpoint":
        await this.#flushWaiting(part.document.checkpoint_ns);
        this.#waiting = part;
        return;
      case "discarded":
        this.#behind.push(part);
        return;
      case "writes":
        await this.#flushWaiting();
        if (this.#leftOut.has(formatPlaceOf(part.document))) return;
        if (listWriteSegments([part.document]).length > 0) this.#withSegments.push(part);
        else await locate(part, (document) => this.#addWrites(document));
        return;
      case "segment":
        await this.#flushWaiting();
        this.#counts.segments += Number(part.document.part === 0);
        await locate(part, (document) => this.#store(rebindSegment(document, this.#place)));
    }
  }

  /** Stores what had to wait for the others. */
  async finish(): Promise<void> {
    await this.#flushWaiting();
    await this.#flush();
    for (const set of this.#withSegments) {
      await locate(set, (document) => this.#addWrites(document));
    }
    for (const document of this.#marked) {
      const sets = document.sets!.flatMap((mark) => this.#marks.get(bytesToHex(mark)) ?? []);
      if (sets.length < document.sets!.length) {
        throw corrupt(document, asMissing("fewer sets of pending writes than it names"));
      }
      await this.#store({ ...document, sets });
    }
    await this.#standRoot();
    await this.#flush();
  }

  /** @param next the namespace of the checkpoint that comes next, if one does */
  async #flushWaiting(next?: string): Promise<void> {
    const last = this.#waiting;
    const behind = this.#behind;
    this.#waiting = undefined;
    this.#behind = [];
    if (last !== undefined) {
      const isLatest = last.document.checkpoint_ns !== next;
      await locate(last, (document) => this.#addCheckpoint(document, isLatest));
    }
    for (const part of behind) await locate(part, (document) => this.#addDiscarded(document));
  }

  async #addDiscarded(document: DiscardedDocument): Promise<void> {
    const checkpoint: CheckpointDocument = { ...document, kind: "checkpoint" };
    const record = readRecord(checkpoint, this.#context.hasher);
    if (!this.#rollbacks.has(document.rollback)) {
      this.#leftOut.add(formatPlaceOf(document));
      return;
    }
    const rebound = rebindDiscarded(this.#context, document, this.#place, {
      ...this.#findParent(checkpoint, record),
      seq: record.seq,
      metadata: await toSealedMetadata(this.#context, record),
    });
    this.#noteRebound(record, rebound);
    if (rebound.sets !== undefined) this.#marked.push(rebound);
    else await this.#store(rebound);
  }

  #noteRebound(
    { address, hash, formerHashes = [] }: CheckpointRecord,
    rebound: Pick<CheckpointDocument, "hash">,
  ): void {
    this.#rebound.set(formatPlace(address.checkpointNs, address.checkpointId), {
      formerHashes: [hash, ...formerHashes],
      hash: toBytes(rebound.hash),
    });
  }

  async #addCheckpoint(document: CheckpointDocument, isLatest: boolean): Promise<void> {
    const record = readRecord(document, this.#context.hasher);
    const { seq } = record;
    const rebound = rebindCheckpoint(this.#context, document, this.#place, {
      ...this.#findParent(document, record),
      seq,
      isLatest,
      metadata: await toSealedMetadata(this.#context, record),
    });
    const { checkpointNs } = record.address;
    this.#noteRebound(record, rebound);
    this.#newest.set(checkpointNs, seq);
    this.#counts.checkpoints += 1;
    if (isLatest && checkpointNs === "") this.#root = { document: rebound, record };
    if (rebound.sets !== undefined) this.#marked.push(rebound);
    else await this.#store(rebound);
  }

  #findParent(document: CheckpointDocument, record: CheckpointRecord): NewParent {
    const { address, parentCheckpointId, parentHash } = record;
    if (parentCheckpointId === undefined || parentHash === undefined) {
      return { parentHash: undefined };
    }
    const place = formatPlace(address.checkpointNs, parentCheckpointId);
    const parent = this.#rebound.get(place);
    if (parent === undefined) {
      const isCut = this.#leftOut.has(place);
      if (isCut || isCutOff(this.#context, document, record)) {
        return { parentHash: undefined, isCut };
      }
      throw corrupt(document, asMissing("nothing of its parent", "its parent before it"));
    }
    if (!parent.formerHashes.some((hash) => Buffer.compare(hash, parentHash) === 0)) {
      const [expected, found] = [parentHash, parent.formerHashes[0]!];
      throw corrupt(
        document,
        asWrongHash(Buffer.from(expected).toString("hex"), Buffer.from(found).toString("hex")),
      );
    }
    return { parentHash: parent.hash };
  }

  async #addWrites(document: WriteSetDocument): Promise<void> {
    const rebound = await rebindWriteSet(this.#context, document, this.#place);
    const [former, mark] = renameMark(document, rebound);
    this.#marks.set(former, mark);
    this.#counts.writes += 1;
    const { checkpoint_ns: checkpointNs, checkpoint_id: checkpointId, idx } = rebound;
    const isOfRoot = checkpointNs === "" && checkpointId === this.#root?.document.checkpoint_id;
    if (isOfRoot) this.#rootPlaces.push(idx);
    await this.#store(rebound);
  }

  /** A checkpoint that was replaced while it was copied has lost what it said of where the thread stands. */
  async #standRoot(): Promise<void> {
    if (this.#root === undefined || this.#root.document.stands !== undefined) return;
    const { document, record } = this.#root;
    const code = toCode(raiseBy(this.#rootPlaces) ?? readStanding(record));
    const at = new Date(Date.parse(record.header.ts) || this.#context.store.estimateTime());
    const stands: StoredStanding = { code, at };
    const sets = document.sets?.map((mark) => this.#marks.get(bytesToHex(mark))!);
    await this.#flush();
    await this.#store({ ...document, stands, ...(sets && { sets }) });
  }

  async #store(document: ThreadPartDocument["document"]): Promise<void> {
    this.#batch.push(document);
    this.#batchBytes += measureDocument(document);
    const isFull = this.#batch.length >= BATCH_DOCUMENTS || this.#batchBytes >= BATCH_BYTES;
    if (isFull) await this.#flush();
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    const { store } = this.#context;
    if ((await storeArriving(store, this.#arrival, batch)) === "overtaken") throw OVERTAKEN;
  }
}

function corrupt(
  {
    thread_id: threadId,
    checkpoint_ns: checkpointNs,
    checkpoint_id: checkpointId,
  }: Pick<CheckpointDocument, "thread_id" | "checkpoint_ns" | "checkpoint_id">,
  fault: ReturnType<typeof asMissing> | ReturnType<typeof asWrongHash>,
): CorruptCheckpointError {
  return new CorruptCheckpointError(
    { threadId, checkpointNs, checkpointId },
    { document: "checkpoint", which: checkpointId, ...fault },
  );
}

function formatPlace(checkpointNs: string, checkpointId: string): string {
  return JSON.stringify([checkpointNs, checkpointId]);
}

function formatPlaceOf({
  checkpoint_ns: checkpointNs,
  checkpoint_id: checkpointId,
}: Pick<CheckpointDocument, "checkpoint_ns" | "checkpoint_id">): string {
  return formatPlace(checkpointNs, checkpointId);
}

/** Says which line of an archive holds a document that is not as it was written. */
async function locate<T>(
  { document, line }: Waiting<T>,
  add: (document: T) => Promise<void>,
): Promise<void> {
  try {
    await add(document);
  } catch (error) {
    if (line === undefined || !CorruptCheckpointError.isInstance(error)) throw error;
    const { document: kind, which, expected, found } = error.corruption;
    throw new InvalidArchiveError(
      `it holds a ${kind} that is not as it was written (${which}: expected ${expected}, found ${found})`,
      line,
      { cause: error },
    );
  }
}
