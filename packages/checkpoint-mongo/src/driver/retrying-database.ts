import type { Admin, Collection, Db, Document, MongoClient } from "mongodb";
import { isAbandoned, type Attempt, type RetryPolicy } from "./retry-policy.ts";
import { RetryingCursor, type Query } from "./retrying-cursor.ts";
import { WriteSession } from "./write-session.ts";

/** What has to be known of a method that sends a command. */
interface Method {
  /** The place of its options among its arguments. */
  readonly optionsAt: number;
  /** Whether it gives a cursor. */
  readonly isCursor?: true;
  /**
   * Whether it changes at most one document, or a list of such changes. In a session of its own, the
   * server then refuses an earlier attempt that arrives after a later one.
   */
  readonly isRetryableWrite?: true;
  /** By what factor it may take longer than others. */
  readonly timeFactor?: number;
}

/** What goes through very many documents at once. */
const MANY = 8;
const BUILDING = 40;

const METHODS: Readonly<Record<string, Method>> = {
  aggregate: { optionsAt: 1, isCursor: true },
  bulkWrite: { optionsAt: 1, isRetryableWrite: true },
  countDocuments: { optionsAt: 1 },
  createIndexes: { optionsAt: 1, timeFactor: BUILDING },
  createSearchIndex: { optionsAt: 1 },
  deleteMany: { optionsAt: 1, timeFactor: MANY },
  deleteOne: { optionsAt: 1, isRetryableWrite: true },
  distinct: { optionsAt: 2 },
  find: { optionsAt: 1, isCursor: true },
  findOne: { optionsAt: 1 },
  findOneAndUpdate: { optionsAt: 2, isRetryableWrite: true },
  indexes: { optionsAt: 0 },
  insertMany: { optionsAt: 1, isRetryableWrite: true },
  insertOne: { optionsAt: 1, isRetryableWrite: true },
  listSearchIndexes: { optionsAt: 1, isCursor: true },
  replaceOne: { optionsAt: 2, isRetryableWrite: true },
  updateMany: { optionsAt: 2, timeFactor: MANY },
  updateOne: { optionsAt: 2, isRetryableWrite: true },
  // Of a database.
  command: { optionsAt: 1, timeFactor: MANY },
  listCollections: { optionsAt: 1, isCursor: true },
};

/**
 * What is asked of the server itself is small. The driver passes on no socket timeout with it, so our own
 * timer has to be early.
 */
const ADMIN_METHODS: typeof METHODS = { command: { optionsAt: 1, timeFactor: 0.25 } };

/** A method of the driver, as what it is called by here. */
type Call = (...parameters: unknown[]) => unknown;

/**
 * A database whose commands are tried again while the trouble is of the kind that passes, and so are
 * those of all collections and cursors that are opened on it.
 *
 * Every command of this package can be repeated: a write that has been carried out already finds
 * itself. One whose answer says how much it changed must not be taken at its word, since of a repeated
 * one this is nothing.
 *
 * @throws StorageUnavailableError, from each command, if it does not get through in time
 */
export function retrying(db: Db, client: MongoClient, policy: RetryPolicy): Db {
  return new Proxy(db, {
    get: (target, property) => {
      if (property === "collection") {
        return (...parameters: Parameters<Db["collection"]>) =>
          retryingCollection(target.collection(...parameters), client, policy);
      }
      if (property === "admin") return () => retryingAdmin(target.admin(), client, policy);
      return retryingMethod(target, target.databaseName, property, client, policy);
    },
  });
}

function retryingCollection(
  collection: Collection,
  client: MongoClient,
  policy: RetryPolicy,
): Collection {
  return new Proxy(collection, {
    get: (target, property) => retryingMethod(target, target.namespace, property, client, policy),
  });
}

function retryingAdmin(admin: Admin, client: MongoClient, policy: RetryPolicy): Admin {
  return new Proxy(admin, {
    get: (target, property) =>
      retryingMethod(target, "admin", property, client, policy, ADMIN_METHODS),
  });
}

/** What a property of a collection or a database is; a method of the table is tried again. */
function retryingMethod(
  target: Admin | Collection | Db,
  namespace: string,
  property: string | symbol,
  client: MongoClient,
  policy: RetryPolicy,
  methods = METHODS,
): unknown {
  const member: unknown = Reflect.get(target, property);
  if (typeof member !== "function") return member;
  const call = (member as Call).bind(target);
  const method = typeof property === "string" ? methods[property] : undefined;
  if (method === undefined) return call;
  const name = `${String(property)} on ${namespace}`;
  const send = { target, call, name, method, client, policy };
  return method.isCursor
    ? (...parameters: unknown[]) => openCursor(send, parameters)
    : (...parameters: unknown[]) => runCommand(send, parameters);
}

/** A method, and how it is tried. */
interface Sending {
  readonly target: Admin | Collection | Db;
  readonly call: Call;
  readonly name: string;
  readonly method: Method;
  readonly client: MongoClient;
  readonly policy: RetryPolicy;
}

async function runCommand(
  { target, call, name, method, client, policy }: Sending,
  parameters: readonly unknown[],
): Promise<unknown> {
  const { isRetryableWrite, timeFactor } = method;
  const send = async (options: object) => call(...withOptions(parameters, method, options));
  if (!isRetryableWrite) return policy.run(client, { name, timeFactor, attempt: send });
  const writeSession = new WriteSession(target, client);
  try {
    return await policy.run(client, {
      name,
      timeFactor,
      attempt: (attempt) => writeSession.run((session) => send({ ...attempt, session })),
      onRetry: (failure) => {
        if (isAbandoned(failure)) writeSession.leave();
      },
    });
  } finally {
    await writeSession.end();
  }
}

function openCursor(
  { call, name, method, client, policy }: Sending,
  parameters: readonly unknown[],
): RetryingCursor {
  const { sort, ...options } = (parameters[method.optionsAt] ?? {}) as Document;
  const limits: Attempt = { socketTimeoutMS: policy.limits.operationTimeoutMs };
  const isFind = name.startsWith("find ");
  const query: Query = {
    name,
    filter: isFind ? (parameters[0] ?? {}) : undefined,
    sort: sort as Document | undefined,
    limit: options["limit"] as number | undefined,
    open: (filter, limit) => {
      const now = filter === undefined ? parameters : [filter, { ...options, limit: limit ?? 0 }];
      return call(...withOptions(now, method, limits)) as object;
    },
    run: (operation) => policy.run(client, operation),
  };
  return new RetryingCursor(query);
}

function withOptions(
  parameters: readonly unknown[],
  { optionsAt }: Method,
  more: object,
): unknown[] {
  const all = Array.from({ length: optionsAt + 1 }, (_, index) => parameters[index]);
  all[optionsAt] = { ...(all[optionsAt] as object | undefined), ...more };
  return all;
}
