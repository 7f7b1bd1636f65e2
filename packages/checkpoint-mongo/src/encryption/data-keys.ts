// Not by name: see check-node.ts.
import crypto from "node:crypto";
import type { Collection, Filter } from "mongodb";
import { bytesToHex, isBinary, toBytes } from "../driver/binary.ts";
import { isDuplicateKeyError } from "../driver/server-errors.ts";
import { EncryptionKeyError } from "../errors/encryption-key-error.ts";
import type { DataKeyContext, KeyProvider } from "../keys/encryption-options.ts";
import { describeDataKey, LocalKeyProvider } from "../keys/local-key-provider.ts";
import { nameLifeKey, SHARED_KEY, type KeyDocument } from "./key-document.ts";
import { SharedSecrets } from "./shared-secrets.ts";
import { ThreadCipher } from "./thread-cipher.ts";

/** Bytes of a data key. */
const KEY_BYTES = 32;

/** Threads whose keys are kept in memory. Each takes about a kilobyte. */
const MAX_THREADS = 4_096;

/**
 * After this, a writer makes sure that the key is still there. A day after a thread has gone, its id may begin anew
 * with another key, and nothing may be written with the former.
 */
const MAX_AGE_MS = 3_600_000;

/** The key of one life of a thread, or why there is none. */
export type LifeKey = ThreadCipher | EncryptionKeyError;

/** What is known of the keys of a thread. */
interface KnownThread {
  readonly lives: Map<number, LifeKey>;
  /** The wrapped keys that these were made of. */
  readonly wrapped: Map<number, string>;
  /** When a writer last made sure that a key is there, by life. */
  readonly ensured: Map<number, Moment>;
}

/** By both clocks: one of them may stand still while the machine sleeps, the other may be set. */
interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** A key of something that lies elsewhere, wrapped by a master key. */
export interface WrappedKey {
  readonly keyId: string;
  readonly wrapped: Uint8Array;
}

/** What is needed to find keys. */
export interface DataKeysParts {
  readonly collection: Collection<KeyDocument>;
  readonly provider: KeyProvider;
}

/** The data keys of a collection of threads: found, made, and remembered. */
export class DataKeys {
  readonly #collection: Collection<KeyDocument>;
  readonly #provider: KeyProvider;
  readonly #known = new Map<string, KnownThread>();
  readonly #loading = new Map<string, Promise<unknown>>();
  #shared: Promise<SharedSecrets> | undefined;

  constructor({ collection, provider }: DataKeysParts) {
    this.#collection = collection;
    this.#provider = provider;
  }

  /** The collection of the wrapped keys. */
  get collection(): Collection<KeyDocument> {
    return this.#collection;
  }

  /** The master keys that are there, as far as that is known. */
  get knownKeyIds(): readonly string[] {
    const provider = this.#provider;
    return provider instanceof LocalKeyProvider ? provider.keyIds : [provider.currentKeyId];
  }

  /** The key of a life, if it is in memory. */
  peek(threadId: string, epoch: number): LifeKey | undefined {
    return this.#known.get(threadId)?.lives.get(epoch);
  }

  /** All keys of a thread that are in memory. */
  peekAll(threadId: string): readonly LifeKey[] {
    return [...(this.#known.get(threadId)?.lives.values() ?? [])];
  }

  /** Finds the keys of threads, of all their lives. What cannot be unwrapped is remembered as an error for a while. */
  async load(threadIds: readonly string[]): Promise<void> {
    const wanted = threadIds.filter((threadId) => !this.#loading.has(threadId));
    const waits = threadIds.flatMap((threadId) => this.#loading.get(threadId) ?? []);
    if (wanted.length > 0) {
      const loaded = this.#find(wanted);
      for (const threadId of wanted) this.#loading.set(threadId, loaded);
      waits.push(
        loaded.finally(() => {
          for (const threadId of wanted) this.#loading.delete(threadId);
        }),
      );
    }
    await Promise.all(waits);
  }

  /** The key that may be written with, if it is in memory and was made sure of lately. */
  peekToWrite(threadId: string, epoch: number): ThreadCipher | undefined {
    const known = this.#known.get(threadId);
    const key = known?.lives.get(epoch);
    const ensured = known?.ensured.get(epoch);
    if (!(key instanceof ThreadCipher) || ensured === undefined || isOld(ensured)) return undefined;
    return key;
  }

  /**
   * Gets the key of a life to write with, and makes it if there is none.
   *
   * @throws EncryptionKeyError if it cannot be unwrapped
   */
  async ensure(threadId: string, epoch: number): Promise<ThreadCipher> {
    const ready = this.peekToWrite(threadId, epoch);
    if (ready !== undefined) return ready;
    const name = nameLifeKey(threadId, epoch);
    const begun = this.#loading.get(name) as Promise<ThreadCipher> | undefined;
    if (begun !== undefined) return begun;
    const ensured = this.#ensure(threadId, epoch, name);
    this.#loading.set(name, ensured);
    try {
      return await ensured;
    } finally {
      this.#loading.delete(name);
    }
  }

  /** What all threads share. It is made with the first saver. */
  shared(): Promise<SharedSecrets> {
    this.#shared ??= this.#openShared().catch((error: unknown) => {
      this.#shared = undefined;
      throw error;
    });
    return this.#shared;
  }

  /** Forgets all keys that are in memory. */
  forget(): void {
    this.#known.clear();
    this.#shared = undefined;
  }

  /**
   * Removes the keys of a thread's lives before this one: what was stored in them can be read by nobody any more,
   * wherever a copy of it is.
   */
  async remove(threadId: string, beforeEpoch: number): Promise<void> {
    const ended: Filter<KeyDocument> = { thread_id: threadId, epoch: { $lt: beforeEpoch } };
    const provider = this.#provider;
    const documents =
      provider.forget === undefined ? [] : await this.#collection.find(ended).toArray();
    await this.#collection.deleteMany(ended);
    const known = this.#known.get(threadId);
    for (const epoch of known?.lives.keys() ?? []) {
      if (epoch < beforeEpoch) known!.lives.delete(epoch);
    }
    for (const { key_id: keyId, wrapped, epoch = 0 } of documents) {
      const context = { threadId, epoch };
      await this.#ask(context, keyId, () => provider.forget!(toBytes(wrapped), keyId, context));
    }
  }

  /**
   * Wraps a data key anew if it is not wrapped with the current master key.
   *
   * @returns whether it was
   * @throws EncryptionKeyError if it cannot be unwrapped
   */
  async rewrap(document: KeyDocument): Promise<boolean> {
    const keyId = this.#provider.currentKeyId;
    if (document.key_id === keyId) return false;
    const context = toContext(document);
    const dataKey = await this.#unwrap(document, context);
    const wrapped = await this.#wrap(dataKey, keyId, context);
    // One that was removed meanwhile must not come back.
    await this.#collection.updateOne(
      { _id: document._id, key_id: document.key_id },
      { $set: { key_id: keyId, wrapped } },
    );
    return true;
  }

  /** Makes a key for something that keeps it itself, wrapped. It is not stored here. */
  async makeApart(context: DataKeyContext): Promise<WrappedKey & { readonly dataKey: Uint8Array }> {
    const dataKey = crypto.randomBytes(KEY_BYTES);
    const keyId = this.#provider.currentKeyId;
    return { dataKey, keyId, wrapped: await this.#wrap(dataKey, keyId, context) };
  }

  /**
   * Unwraps what {@link DataKeys.makeApart} made.
   *
   * @throws EncryptionKeyError if it cannot be unwrapped
   */
  openApart(context: DataKeyContext, { keyId, wrapped }: WrappedKey): Promise<Uint8Array> {
    return this.#unwrap({ key_id: keyId, wrapped }, context);
  }

  /** The id of the master key that new data keys are wrapped with. */
  get currentKeyId(): string {
    return this.#provider.currentKeyId;
  }

  async #find(threadIds: readonly string[]): Promise<void> {
    const filter: Filter<KeyDocument> =
      threadIds.length === 1
        ? { thread_id: threadIds[0]! }
        : { thread_id: { $in: [...threadIds] } };
    const documents = await this.#collection.find(filter).toArray();
    const byThread = Map.groupBy(documents, ({ thread_id: threadId }) => threadId);
    for (const threadId of threadIds) {
      for (const document of byThread.get(threadId) ?? []) {
        await this.#take(threadId, document.epoch ?? 0, document);
      }
    }
  }

  async #ensure(threadId: string, epoch: number, name: string): Promise<ThreadCipher> {
    const context = { threadId, epoch };
    const ensured = now();
    // A writer most often begins a thread, or goes on with one that this process has read.
    const isNew = this.peek(threadId, epoch) === undefined;
    const document = await this.#findOrMake(name, context, isNew);
    // Also a key that was just made is unwrapped: a provider that cannot do that must not be found out later.
    const key = await this.#take(threadId, epoch, document);
    if (!(key instanceof ThreadCipher)) throw key;
    this.#known.get(threadId)!.ensured.set(epoch, ensured);
    return key;
  }

  async #findOrMake(
    name: string,
    context: DataKeyContext,
    isPresumedNew = false,
  ): Promise<KeyDocument> {
    // To wrap a key in vain costs nothing here, but a KMS takes its time for it.
    const isMadeAtOnce = isPresumedNew && this.#provider instanceof LocalKeyProvider;
    const found = isMadeAtOnce ? null : await this.#collection.findOne({ _id: name });
    if (found !== null) return found;
    const { threadId, epoch } = context;
    const keyId = this.#provider.currentKeyId;
    const wrapped = await this.#wrap(crypto.randomBytes(KEY_BYTES), keyId, context);
    const made = { key_id: keyId, wrapped, created_at: new Date() };
    try {
      const document = await this.#collection.findOneAndUpdate(
        threadId === undefined ? { _id: name } : { _id: name, thread_id: threadId },
        { $setOnInsert: { ...made, ...(threadId !== undefined && { epoch }) } },
        { upsert: true, returnDocument: "after" },
      );
      if (document !== null) return document;
    } catch (error) {
      // Another process has made it at the same moment.
      if (!isDuplicateKeyError(error)) throw error;
    }
    const other = await this.#collection.findOne({ _id: name });
    if (other === null) throw this.#refuse(context, "no-data-key", undefined);
    return other;
  }

  /** Unwraps a key, unless the same one is in memory. A former key of the same name is another one. */
  async #take(threadId: string, epoch: number, document: KeyDocument): Promise<LifeKey> {
    const before = this.#known.get(threadId);
    const known = before?.lives.get(epoch);
    const wrapped = isBinary(document.wrapped) ? bytesToHex(document.wrapped) : "";
    if (known instanceof ThreadCipher && before?.wrapped.get(epoch) === wrapped) return known;
    let key: LifeKey;
    try {
      const dataKey = await this.#unwrap(document, { threadId, epoch });
      key = new ThreadCipher(threadId, epoch, dataKey);
    } catch (error) {
      if (!EncryptionKeyError.isInstance(error)) throw error;
      // A provider that failed may not fail the next time.
      if (error.fault === "provider-failed") throw error;
      key = error;
    }
    const remembered = this.#remember(threadId);
    remembered.lives.set(epoch, key);
    remembered.wrapped.set(epoch, wrapped);
    return key;
  }

  #remember(threadId: string): KnownThread {
    const known = this.#known.get(threadId) ?? {
      lives: new Map(),
      wrapped: new Map(),
      ensured: new Map(),
    };
    // The order of a map is that of its insertions: what was used last comes last.
    this.#known.delete(threadId);
    this.#known.set(threadId, known);
    if (this.#known.size > MAX_THREADS) {
      const [oldest] = this.#known.keys();
      this.#known.delete(oldest!);
    }
    return known;
  }

  async #openShared(): Promise<SharedSecrets> {
    const context = { threadId: undefined, epoch: 0 };
    const document = await this.#findOrMake(SHARED_KEY, context);
    return new SharedSecrets(await this.#unwrap(document, context));
  }

  async #unwrap(
    document: Pick<KeyDocument, "key_id" | "wrapped">,
    context: DataKeyContext,
  ): Promise<Uint8Array> {
    const { key_id: keyId, wrapped } = document;
    if (typeof keyId !== "string" || !isBinary(wrapped)) {
      throw this.#refuse(context, "damaged-data-key", undefined);
    }
    const bytes = await this.#ask(context, keyId, () =>
      this.#provider.unwrap(toBytes(wrapped), keyId, context),
    );
    if (bytes.byteLength !== KEY_BYTES) throw this.#refuse(context, "damaged-data-key", keyId);
    return bytes;
  }

  #wrap(dataKey: Uint8Array, keyId: string, context: DataKeyContext): Promise<Uint8Array> {
    return this.#ask(context, keyId, async () =>
      // A copy of plain bytes: a KMS may give bytes of a class that the driver does not know.
      Uint8Array.from(await this.#provider.wrap(dataKey, keyId, context)),
    );
  }

  async #ask<T>(context: DataKeyContext, keyId: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (EncryptionKeyError.isInstance(error)) throw error;
      throw this.#refuse(context, "provider-failed", keyId, error);
    }
  }

  #refuse(
    context: DataKeyContext,
    fault: EncryptionKeyError["fault"],
    keyId: string | undefined,
    cause?: unknown,
  ): EncryptionKeyError {
    return new EncryptionKeyError(
      describeDataKey(context),
      { fault, keyId, knownKeyIds: this.knownKeyIds },
      { cause },
    );
  }
}

/** What a stored data key is for. */
function toContext({ thread_id: threadId, epoch = 0 }: KeyDocument): DataKeyContext {
  return { threadId, epoch };
}

function now(): Moment {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

function isOld({ monotonicMs, wallMs }: Moment): boolean {
  const { monotonicMs: monotonicNowMs, wallMs: wallNowMs } = now();
  return monotonicNowMs - monotonicMs > MAX_AGE_MS || Math.abs(wallNowMs - wallMs) > MAX_AGE_MS;
}
