import type { Db, MongoClient } from "mongodb";
import type { BinaryClass } from "../driver/binary-class.ts";
import { ensureIndexes } from "../driver/ensure-indexes.ts";
import { openCollection, openDatabase } from "../driver/open-database.ts";
import { OncePerClient } from "../driver/once-per-client.ts";
import { PerClient } from "../driver/per-client.ts";
import type { RetryPolicy } from "../driver/retry-policy.ts";
import { DataKeys } from "../encryption/data-keys.ts";
import { DocumentSealer } from "../encryption/document-sealer.ts";
import { EncryptionKeyError } from "../errors/encryption-key-error.ts";
import { SHARED_KEY, type KeyDocument } from "../encryption/key-document.ts";
import { ThreadEncryption } from "../encryption/thread-encryption.ts";
import { Hasher } from "../integrity/hashes.ts";
import type { KeyProvider } from "../keys/encryption-options.ts";
import type { EncryptionSettings } from "../keys/encryption-settings.ts";
import { KeyRing } from "../keys/key-ring.ts";
import { LocalKeyProvider } from "../keys/local-key-provider.ts";
import { Numbering } from "../memory/numbering.ts";

/** The keys of a collection that this process knows, once for all savers of a client with the same master keys. */
const allKeys = new PerClient<DataKeys>();
const setups = new OncePerClient<void>();
const numbers = new Numbering();

/** Where encryption keeps its keys. */
export interface KeysPlace {
  readonly client: MongoClient;
  readonly db: Db;
  readonly retryPolicy: RetryPolicy;
}

/** Differs between savers that must not take from memory what another one has decrypted. */
export function nameEncryption(settings: EncryptionSettings | undefined): string {
  if (settings === undefined) return "-";
  return JSON.stringify([nameProvider(settings.provider), settings.isPlainAllowed]);
}

/** The data keys of a saver. Nothing is asked of the server. */
function findDataKeys(place: KeysPlace, settings: EncryptionSettings): DataKeys {
  const { provider, keysCollectionName } = settings;
  return allKeys.get(place.client, formatKey(place, settings), () => {
    const db = openKeysDatabase(place, settings);
    return new DataKeys({
      collection: openCollection<KeyDocument>(db, keysCollectionName),
      provider,
    });
  });
}

/** Lets the next saver look again: the collection may have been dropped. */
export function forgetDataKeys(place: KeysPlace, settings: EncryptionSettings): void {
  findDataKeys(place, settings).forget();
  setups.forget(place.client, formatKey(place, settings));
}

/**
 * Gets the encryption of a saver ready: the index of its keys, and what all threads share.
 *
 * @throws EncryptionKeyError if the master key is not the one that the collection was begun with
 */
export async function openEncryption(
  place: KeysPlace,
  settings: EncryptionSettings,
  Binary: BinaryClass,
): Promise<ThreadEncryption> {
  const keys = findDataKeys(place, settings);
  await setups.do(place.client, formatKey(place, settings), () =>
    ensureKeyIndexes(place, settings),
  );
  const secrets = await keys.shared();
  const { searchable, isPlainAllowed } = settings;
  const sealer = new DocumentSealer(Binary, isPlainAllowed);
  return new ThreadEncryption({ keys, sealer, secrets, searchable, isPlainAllowed });
}

/** Makes the index by which the keys of a thread are found. */
async function ensureKeyIndexes(place: KeysPlace, settings: EncryptionSettings): Promise<void> {
  const db = openKeysDatabase(place, settings);
  const collection = openCollection<KeyDocument>(db, settings.keysCollectionName);
  await ensureIndexes(db, collection, [{ key: { thread_id: 1, epoch: 1 }, name: "thread" }], {
    changesExpiry: false,
  });
}

function openKeysDatabase(
  { client, db, retryPolicy }: KeysPlace,
  { keysDbName }: EncryptionSettings,
): Db {
  return openDatabase(client, keysDbName ?? db.databaseName, retryPolicy);
}

function formatKey({ db }: KeysPlace, settings: EncryptionSettings): string {
  const { keysDbName = db.databaseName, keysCollectionName, provider } = settings;
  return JSON.stringify([keysDbName, keysCollectionName, nameProvider(provider)]);
}

/** What hashes documents: with a key of their own, or else with one that comes with the encryption. */
export function chooseHasher(own: Hasher, { secrets, isPlainAllowed }: ThreadEncryption): Hasher {
  // With keys of its own, it still reads what was hashed before there were any.
  if (own.keyName !== undefined) return own.with(secrets.hashKey);
  return new Hasher(new KeyRing({ key: secrets.hashKey, acceptUnkeyed: isPlainAllowed }));
}

/**
 * Adds to the error of a saver without keys which key is needed, as far as a collection of keys tells.
 *
 * @param collectionPrefix of the saver
 */
export async function nameNeededKey(
  error: unknown,
  db: Db,
  collectionPrefix: string,
): Promise<unknown> {
  if (!EncryptionKeyError.isInstance(error) || error.fault !== "no-keys") return error;
  const keys = openCollection<KeyDocument>(db, `${collectionPrefix}keys`);
  // Where the keys lie elsewhere, the error is as it was.
  let shared: KeyDocument | null;
  try {
    shared = await keys.findOne({ _id: SHARED_KEY });
  } catch {
    return error;
  }
  if (shared === null) return error;
  const { what, fault, knownKeyIds } = error;
  return new EncryptionKeyError(
    what,
    { fault, keyId: shared.key_id, knownKeyIds },
    { cause: error },
  );
}

function nameProvider(provider: KeyProvider): string {
  return provider instanceof LocalKeyProvider ? provider.digest : String(numbers.get(provider));
}
