import type { Collection, Db, Document, IndexDescription, IndexDescriptionInfo } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { describeCause, StorageUnavailableError } from "../errors/storage-unavailable-error.ts";
import { SetupError } from "../errors/setup-error.ts";
import { isUnauthenticated, isUnauthorized, readErrorCode } from "./server-errors.ts";

/** Processes that create the same index at once can disturb each other for a moment. */
const ATTEMPTS = 5;
const RETRY_DELAY_MS = 200;

const DISTURBED_CODES: ReadonlySet<number | undefined> = new Set([
  48, // NamespaceExists
  112, // WriteConflict
  117, // ConflictingOperationInProgress
  276, // IndexBuildAborted
  342, // IndexBuildAlreadyInProgress
]);

const CONFLICT_CODES: ReadonlySet<number | undefined> = new Set([
  85, // IndexOptionsConflict
  86, // IndexKeySpecsConflict
]);

const NAMESPACE_NOT_FOUND = 26;

/**
 * Creates the indexes of a collection. May be called by many processes at once, and again. If the database
 * user may not create any, it is enough that they exist, under any names.
 *
 * @param db where the collection is
 * @param options.changesExpiry whether an existing index with another `expireAfterSeconds` is changed to
 *   this one. If processes have different values, the last one wins
 * @throws SetupError if an index cannot be created
 */
export async function ensureIndexes<T extends Document>(
  db: Db,
  collection: Collection<T>,
  indexes: readonly IndexDescription[],
  { changesExpiry }: { readonly changesExpiry: boolean },
): Promise<void> {
  try {
    await makeIndexes(collection, indexes);
  } catch (error) {
    if (!isUnauthorized(error) && !CONFLICT_CODES.has(readErrorCode(error))) {
      throw fail(collection, error, "Check that the database user may create indexes there.");
    }
    const existing = await listIndexes(collection, indexes, error);
    const { missing, different, otherExpiry } = compareIndexes(indexes, existing);
    const others = changesExpiry ? different : [...different, ...otherExpiry];
    if (others.length > 0) throw failByOther(collection, others, error);
    for (const { index, name } of otherExpiry) await changeExpiry(db, collection, index, name);
    if (missing.length === 0) return;
    if (isUnauthorized(error)) throw failByRights(collection, missing, error);
    await makeIndexes(collection, missing).catch((cause: unknown) => {
      throw fail(collection, cause, "Set up again.");
    });
  }
}

async function makeIndexes<T extends Document>(
  collection: Collection<T>,
  indexes: readonly IndexDescription[],
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await collection.createIndexes([...indexes]);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !DISTURBED_CODES.has(readErrorCode(error))) throw error;
      await sleep(RETRY_DELAY_MS * attempt * Math.random());
    }
  }
}

async function listIndexes<T extends Document>(
  collection: Collection<T>,
  wanted: readonly IndexDescription[],
  cause: unknown,
): Promise<IndexDescriptionInfo[]> {
  try {
    return await collection.indexes();
  } catch (error) {
    if (readErrorCode(error) === NAMESPACE_NOT_FOUND) return [];
    if (isUnauthorized(error)) throw failByRights(collection, wanted, cause);
    throw error;
  }
}

/** A wanted index, and the existing one in its place. */
interface Pair {
  readonly index: IndexDescription;
  /** The name of the existing one. */
  readonly name: string;
}

/** Which wanted indexes are missing, and which existing ones are in their places. */
export function compareIndexes(
  indexes: readonly IndexDescription[],
  existing: readonly IndexDescriptionInfo[],
): {
  readonly missing: readonly IndexDescription[];
  readonly different: readonly Pair[];
  readonly otherExpiry: readonly Pair[];
} {
  const missing: IndexDescription[] = [];
  const different: Pair[] = [];
  const otherExpiry: Pair[] = [];
  for (const index of indexes) {
    const namesakes = existing.filter(
      (other) => other.name === index.name || isSame(other.key, index.key),
    );
    const alike = namesakes.find((other) => isAlike(other, index));
    if (alike === undefined) {
      const [namesake] = namesakes;
      if (namesake === undefined) missing.push(index);
      else different.push({ index, name: String(namesake.name) });
    } else if (readExpiry(alike) !== readExpiry(index)) {
      otherExpiry.push({ index, name: String(alike.name) });
    }
  }
  return { missing, different, otherExpiry };
}

/** Whether two indexes are the same, apart from `expireAfterSeconds`. */
function isAlike(existing: IndexDescriptionInfo, wanted: IndexDescription): boolean {
  return (
    isSame(existing.key, wanted.key) &&
    (existing["unique"] ?? false) === (wanted.unique ?? false) &&
    isDeepStrictEqual(existing["partialFilterExpression"], wanted.partialFilterExpression) &&
    (readExpiry(existing) === undefined) === (readExpiry(wanted) === undefined)
  );
}

/** The order of the fields counts. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function readExpiry(index: { readonly expireAfterSeconds?: unknown }): number | undefined {
  const { expireAfterSeconds } = index;
  return expireAfterSeconds == null ? undefined : Number(expireAfterSeconds);
}

async function changeExpiry<T extends Document>(
  db: Db,
  collection: Collection<T>,
  { expireAfterSeconds }: IndexDescription,
  name: string,
): Promise<void> {
  const command = { collMod: collection.collectionName, index: { name, expireAfterSeconds } };
  try {
    await db.command(command);
  } catch (error) {
    const advice = isUnauthorized(error)
      ? `The database user may not change how long expired documents stay. Use the value that is ` +
        `there, give the user the privilege collMod, or let someone else run ${formatCommand(db, command)}.`
      : "Set up again.";
    throw fail(collection, error, advice);
  }
}

function fail(
  { namespace }: { readonly namespace: string },
  cause: unknown,
  advice: string,
): unknown {
  // Then it is not known whether the user may create indexes.
  if (StorageUnavailableError.isInstance(cause) || isUnauthenticated(cause)) return cause;
  return new SetupError(
    `Could not make the indexes of ${namespace}: ${describeCause(cause)}. ${advice}`,
    { cause },
  );
}

function failByOther(
  { namespace }: { readonly namespace: string },
  others: readonly Pair[],
  cause: unknown,
): SetupError {
  const names = others.map(({ name }) => JSON.stringify(name)).join(", ");
  return new SetupError(
    `Could not make the indexes of ${namespace}: the indexes ${names} exist with the same name or key, ` +
      `but with other options. Drop what is there, or use another collection. ` +
      `${describeCause(cause)}.`,
    { cause },
  );
}

function failByRights<T extends Document>(
  { namespace, collectionName, dbName }: Collection<T>,
  missing: readonly IndexDescription[],
  cause: unknown,
): SetupError {
  const names = missing.map(({ name }) => name).join(", ");
  const command = { createIndexes: collectionName, indexes: missing };
  const privilege = {
    resource: { db: dbName, collection: collectionName },
    actions: ["createIndex", "listIndexes"],
  };
  return new SetupError(
    `The database user may not make the indexes of ${namespace}, and these are missing or cannot be ` +
      `seen: ${names}. Give it the privilege ${JSON.stringify(privilege)}, or let someone else run ` +
      `${formatCommand({ databaseName: dbName }, command)}.`,
    { cause },
  );
}

/** For the shell of MongoDB. */
function formatCommand(
  { databaseName }: { readonly databaseName: string },
  command: object,
): string {
  return `db.getSiblingDB(${JSON.stringify(databaseName)}).runCommand(${JSON.stringify(command)})`;
}
