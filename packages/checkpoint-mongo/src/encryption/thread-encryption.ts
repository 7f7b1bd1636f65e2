import type { Document } from "mongodb";
import { isSealed } from "../documents/sealed-bytes.ts";
import { isBinary, toBytes, type StoredBytes } from "../driver/binary.ts";
import { EncryptionKeyError } from "../errors/encryption-key-error.ts";
import type { DataKeys } from "./data-keys.ts";
import { isSensitive, type DocumentSealer } from "./document-sealer.ts";
import type { SharedSecrets } from "./shared-secrets.ts";
import { ThreadCipher } from "./thread-cipher.ts";

/** What a {@link ThreadEncryption} is made of. */
export interface ThreadEncryptionParts {
  readonly keys: DataKeys;
  readonly sealer: DocumentSealer;
  readonly secrets: SharedSecrets;
  readonly searchable: ReadonlySet<string>;
  readonly isPlainAllowed: boolean;
}

/** An update that stores something of a thread. */
interface StoringUpdate {
  readonly filter: Document;
  readonly update: Document;
}

/** How a collection of threads is encrypted: what its documents hold, under which keys. */
export class ThreadEncryption {
  readonly keys: DataKeys;
  readonly sealer: DocumentSealer;
  readonly secrets: SharedSecrets;
  /** Keys of metadata that stay in clear text. */
  readonly searchable: ReadonlySet<string>;
  /** Whether documents in clear text are read. */
  readonly isPlainAllowed: boolean;

  constructor({ keys, sealer, secrets, searchable, isPlainAllowed }: ThreadEncryptionParts) {
    this.keys = keys;
    this.sealer = sealer;
    this.secrets = secrets;
    this.searchable = searchable;
    this.isPlainAllowed = isPlainAllowed;
  }

  /** Encrypts what updates store; a promise only if the key is not at hand. */
  sealUpdates<Update extends StoringUpdate>(
    threadId: string,
    epoch: number,
    updates: readonly Update[],
  ): readonly Update[] | Promise<readonly Update[]> {
    const seal = (cipher: ThreadCipher): readonly Update[] =>
      updates.map((one) => ({ ...one, ...this.sealer.sealUpdate(cipher, one) }));
    const cipher = this.keys.peekToWrite(threadId, epoch);
    return cipher === undefined ? this.keys.ensure(threadId, epoch).then(seal) : seal(cipher);
  }

  /** Encrypts whole documents of one life of a thread. */
  async sealDocuments(
    threadId: string,
    epoch: number,
    documents: readonly Document[],
  ): Promise<readonly Document[]> {
    const cipher = await this.keys.ensure(threadId, epoch);
    return documents.map((document) => this.sealer.sealDocument(cipher, document));
  }

  /** Decrypts what a document holds, with what was joined to it; a promise only if a key is not at hand. */
  openDocument(document: Document): Document | Promise<Document> {
    const threadIds = this.#listMissing([document]);
    if (threadIds.length === 0) return this.#open(document);
    return this.keys.load(threadIds).then(() => this.#open(document));
  }

  /** Decrypts what documents hold. */
  async openDocuments(documents: readonly Document[]): Promise<Document[]> {
    const threadIds = this.#listMissing(documents);
    if (threadIds.length > 0) await this.keys.load(threadIds);
    return documents.map((document) => this.#open(document));
  }

  /**
   * The names under which segments of threads are stored, in whichever life of these.
   *
   * @throws EncryptionKeyError if a thread has no key
   */
  async listNames(
    threadIds: readonly string[],
    roots: readonly Uint8Array[],
  ): Promise<readonly StoredBytes[]> {
    const missing = threadIds.filter((threadId) => this.keys.peekAll(threadId).length === 0);
    if (missing.length > 0) await this.keys.load(missing);
    const names: StoredBytes[] = this.isPlainAllowed ? [...roots] : [];
    for (const threadId of threadIds) {
      const keys = this.keys.peekAll(threadId);
      const ciphers = keys.filter((key) => key instanceof ThreadCipher);
      if (ciphers.length === 0 && !this.isPlainAllowed) {
        throw keys.find((key) => key instanceof Error) ?? this.#noKey(threadId);
      }
      for (const cipher of ciphers) {
        for (const root of roots) names.push(this.sealer.sealRoot(cipher, root));
      }
    }
    return names;
  }

  /** The name that a stored name of a segment stands for; undefined if it is of no life of the thread. */
  async openRoot(threadId: string, name: unknown): Promise<Uint8Array | undefined> {
    if (!isSealed(name)) return this.isPlainAllowed && isBinary(name) ? toBytes(name) : undefined;
    if (this.keys.peekAll(threadId).length === 0) await this.keys.load([threadId]);
    const part = { thread_id: threadId, kind: "segment", segment: name };
    const opened = this.#openOne(part)["segment"] as unknown;
    return isBinary(opened) ? toBytes(opened) : undefined;
  }

  /** The threads whose keys are needed and not in memory. */
  #listMissing(documents: readonly Document[]): string[] {
    const missing = new Set<string>();
    for (const document of documents) {
      for (const one of [document, ...listJoined(document)]) {
        if (!isSensitive(one)) continue;
        const threadId: unknown = one["thread_id"];
        if (typeof threadId !== "string") continue;
        if (this.keys.peek(threadId, readEpoch(one)) === undefined) missing.add(threadId);
      }
    }
    return [...missing];
  }

  #open(document: Document): Document {
    const opened = this.#openOne(document);
    for (const field of JOINED) {
      const joined: unknown = document[field];
      if (!isJoin(document, field) || !Array.isArray(joined)) continue;
      opened[field] = joined.map((one: Document) => this.#openOne(one));
    }
    return opened;
  }

  #openOne(document: Document): Document {
    const threadId: unknown = document["thread_id"];
    if (typeof threadId !== "string") return this.sealer.openDocument(document, "another");
    const key = this.keys.peek(threadId, readEpoch(document));
    if (key !== undefined) return this.sealer.openDocument(document, key);
    // A thread that has keys has not lost them: the number of the life is damaged. A segment says by its name
    // which life it is of.
    const others = this.keys.peekAll(threadId);
    if (others.length === 0) return this.sealer.openDocument(document, undefined);
    const own = others.find((other) => this.sealer.isNamedBy(document, other));
    return this.sealer.openDocument(document, own ?? "another");
  }

  #noKey(threadId: string): EncryptionKeyError {
    return new EncryptionKeyError(`the thread "${threadId}"`, {
      fault: "no-data-key",
      keyId: undefined,
      knownKeyIds: this.keys.knownKeyIds,
    });
  }
}

/** Fields that reads join to a checkpoint. */
const JOINED = ["writes", "records"] as const;

function isJoin(document: Document, field: (typeof JOINED)[number]): boolean {
  return document["kind"] === "checkpoint" && Array.isArray(document[field]);
}

function listJoined(document: Document): Document[] {
  return JOINED.flatMap((field) =>
    isJoin(document, field) ? (document[field] as Document[]) : [],
  );
}

/** The first life has no number. */
function readEpoch({ epoch }: Document): number {
  return typeof epoch === "number" ? epoch : 0;
}
