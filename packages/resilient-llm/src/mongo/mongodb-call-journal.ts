import type { Collection, Document, MongoClient } from "mongodb";
import type {
  CallJournal,
  JournalClaim,
  JournalEntry,
  JournalKey,
  JournalPiece,
  JournalResponse,
  JournalWrite,
  KeyedEntry,
  OpenedEntry,
} from "../journal/call-journal.ts";
import { ensureJournalIndexes } from "./journal-indexes.ts";
import { resolveMongoOptions, type MongoDBCallJournalOptions } from "./options.ts";
import { inMs, literal } from "./server-time.ts";
import { isDuplicateKeyError } from "./server-errors.ts";

/** An entry as it is stored. Its hashes are made and verified by the model. */
interface EntryDocument extends Document {
  readonly _id: string;
  readonly thread_id: string;
  readonly namespace: string;
  readonly checkpoint_id: string;
  readonly task_id: string;
  readonly ordinal: number;
  readonly request_hash: string;
  readonly kind: JournalEntry["kind"];
  readonly pieces: unknown;
  readonly booked_pieces: number;
  readonly response: unknown;
  readonly answer: JournalEntry["answer"] | null;
  readonly owner: string;
  readonly lease_expires_at: Date;
  /** The server's time when the entry was opened last. */
  readonly opened_at: Date;
  /** Whether the caller that opened it last found an answer. */
  readonly is_new: boolean;
}

/** Two callers that create the same entry at once can disturb each other. */
const ATTEMPTS = 3;

function isPiece(value: unknown): value is JournalPiece {
  const fields = (value ?? {}) as Partial<Record<keyof JournalPiece, unknown>>;
  const { attempt, candidate, hash, text } = fields;
  return [attempt, candidate, hash, text].every((field) => typeof field === "string");
}

/** What is no piece cannot be sound either: it stays as one whose hash is wrong. */
function readPieces(pieces: unknown): JournalPiece[] {
  const list: readonly unknown[] = Array.isArray(pieces) ? pieces : [pieces];
  return list.map((piece) =>
    isPiece(piece) ? piece : { text: "", candidate: "", attempt: "", hash: "" },
  );
}

function readResponse(value: unknown): JournalResponse | undefined {
  const { candidate, hash, id } = (value ?? {}) as Partial<Record<keyof JournalResponse, unknown>>;
  return typeof id === "string" && typeof candidate === "string" && typeof hash === "string"
    ? { id, candidate, hash }
    : undefined;
}

function readEntry(document: EntryDocument): JournalEntry {
  const { answer, booked_pieces, kind, pieces, response } = document;
  const isAnswer = typeof answer?.json === "string" && typeof answer.hash === "string";
  return {
    kind,
    pieces: readPieces(pieces),
    bookedPieces: booked_pieces,
    response: readResponse(response),
    answer: isAnswer ? answer : undefined,
  };
}

function readKey(document: EntryDocument): JournalKey {
  return {
    id: document._id,
    threadId: document.thread_id,
    namespace: document.namespace,
    checkpointId: document.checkpoint_id,
    taskId: document.task_id,
    ordinal: document.ordinal,
    requestHash: document.request_hash,
  };
}

/**
 * A journal on MongoDB: whichever process runs a task again finds what was answered. An entry is one document.
 * A call takes two commands, and one more for each part of its answer, which no stream waits for.
 *
 * @example
 * ```ts
 * import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
 *
 * const journal = new MongoDBCallJournal({ client, dbName: "agents" });
 * const model = new ResilientChatModel({ models: ["gpt-4.1"], journal });
 * ```
 */
export class MongoDBCallJournal implements CallJournal {
  /** What was paid for is not lost with a primary. */
  private readonly answers: Collection<EntryDocument>;
  /** A claim or a part that is lost with a primary costs a request or some tokens, and waiting for it each call. */
  private readonly collection: Collection<EntryDocument>;
  private readonly ttlMs: number;
  private setup: Promise<void> | undefined;

  /** @throws InvalidOptionsError if options are wrong, missing or unknown */
  constructor(options: MongoDBCallJournalOptions) {
    const { client, collectionName, dbName, ttlSeconds } = resolveMongoOptions(options);
    const db = (client as MongoClient).db(dbName);
    const open = (w: number | "majority") =>
      db.collection<EntryDocument>(collectionName, {
        writeConcern: { w },
        readPreference: "primary",
      });
    this.answers = open("majority");
    this.collection = open(1);
    this.ttlMs = ttlSeconds * 1_000;
  }

  /**
   * Creates the collection's indexes. The first call does so by itself. Repeating it does no harm.
   *
   * @throws what the driver throws, for example if the database user may not create indexes
   */
  ready(): Promise<void> {
    this.setup ??= ensureJournalIndexes(this.collection).catch((error: unknown) => {
      this.setup = undefined;
      throw error;
    });
    return this.setup;
  }

  /** Opens the entry of a call. Of several callers at once, one claims it. */
  async open(
    key: JournalKey,
    claim: JournalClaim,
    { takesAnswered }: { readonly takesAnswered: boolean },
  ): Promise<OpenedEntry> {
    await this.ready();
    const document = await this.openDocument(key, claim, takesAnswered);
    const entry = readEntry(document);
    if (document.owner === claim.owner) {
      return { status: "claimed", entry: document.is_new ? undefined : entry };
    }
    if (entry.kind === "after_call") return { status: "answered", entry };
    const leaseLeftMs = document.lease_expires_at.getTime() - document.opened_at.getTime();
    return { status: "busy", leaseLeftMs: Math.max(0, leaseLeftMs) };
  }

  /** Writes into an entry. Returns whether it is still the owner's. If not, nothing is written. */
  async write(
    { id }: JournalKey,
    { leaseMs, owner }: JournalClaim,
    write: JournalWrite,
  ): Promise<boolean> {
    const isGoingOn = write.kind === "before_call" || write.kind === "periodic";
    const changes: Document = {
      kind: write.kind,
      lease_expires_at: isGoingOn ? inMs(leaseMs) : "$$NOW",
      expires_at: inMs(this.ttlMs),
    };
    if (write.kind === "periodic" || write.kind === "emergency") {
      changes["booked_pieces"] = write.bookedPieces;
      changes["response"] = literal(write.response ?? null);
      if (write.pieces.length > 0) {
        changes["pieces"] = { $concatArrays: ["$pieces", literal(write.pieces)] };
      }
    } else {
      changes["pieces"] = literal([]);
      changes["booked_pieces"] = 0;
      changes["response"] = null;
      changes["answer"] = literal(write.kind === "after_call" ? write.answer : null);
    }
    const collection = write.kind === "after_call" ? this.answers : this.collection;
    const { matchedCount } = await collection.updateOne({ _id: id, owner }, [{ $set: changes }]);
    return matchedCount === 1;
  }

  /** Deletes the entries of a thread. */
  async deleteThread(threadId: string): Promise<void> {
    await this.collection.deleteMany({ thread_id: threadId });
  }

  /** The entries of a thread, for a replay. */
  async *readThread(threadId: string): AsyncGenerator<KeyedEntry, undefined> {
    const cursor = this.collection.find({ thread_id: threadId }, { promoteValues: true });
    for await (const document of cursor) {
      yield { key: readKey(document), entry: readEntry(document) };
    }
    return undefined;
  }

  /** One command: it claims the entry if that is free, and returns it as it is then. */
  private async openDocument(
    key: JournalKey,
    { leaseMs, owner }: JournalClaim,
    takesAnswered: boolean,
  ): Promise<EntryDocument> {
    const isNew = { $eq: [{ $type: "$owner" }, "missing"] };
    const isAnswered = { $eq: ["$kind", "after_call"] };
    const isExpired = { $lte: ["$lease_expires_at", "$$NOW"] };
    const isFree = {
      $or: [isNew, { $and: [isExpired, takesAnswered ? true : { $not: [isAnswered] }] }],
    };
    const startsEmpty = { $or: [isNew, isAnswered] };
    const ifFree = (value: unknown, otherwise: string) => ({
      $cond: [isFree, value, otherwise],
    });
    const update: Document[] = [
      {
        $set: {
          thread_id: literal(key.threadId),
          namespace: literal(key.namespace),
          checkpoint_id: literal(key.checkpointId),
          task_id: literal(key.taskId),
          ordinal: key.ordinal,
          request_hash: key.requestHash,
          is_new: isNew,
          opened_at: "$$NOW",
          expires_at: inMs(this.ttlMs),
          owner: ifFree(literal(owner), "$owner"),
          lease_expires_at: ifFree(inMs(leaseMs), "$lease_expires_at"),
          kind: ifFree({ $cond: [startsEmpty, "before_call", "$kind"] }, "$kind"),
          pieces: ifFree({ $cond: [startsEmpty, [], "$pieces"] }, "$pieces"),
          booked_pieces: ifFree({ $cond: [startsEmpty, 0, "$booked_pieces"] }, "$booked_pieces"),
          response: ifFree({ $cond: [startsEmpty, null, "$response"] }, "$response"),
          answer: ifFree(null, "$answer"),
        },
      },
    ];
    for (let attempt = 1; ; attempt += 1) {
      try {
        const document = await this.collection.findOneAndUpdate({ _id: key.id }, update, {
          upsert: true,
          returnDocument: "after",
          promoteValues: true,
        });
        if (document) return document;
      } catch (error) {
        if (!isDuplicateKeyError(error) || attempt === ATTEMPTS) throw error;
      }
    }
  }
}
