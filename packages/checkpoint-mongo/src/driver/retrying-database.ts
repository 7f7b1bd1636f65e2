import type { Admin, Collection, Db, Document, MongoClient } from "mongodb";
import { isAbandoned, type Attempt, type RetryPolicy } from "./retry-policy.ts";
import { RetryingCursor, type Query } from "./retrying-cursor.ts";
import { isTimeout } from "./transient-errors.ts";
import { WriteSession } from "./write-session.ts";

/** What is known about a method that sends a command. */
interface Method {
  /** The index of its options among its arguments. */
  readonly optionsAt: number;
  /** Whether it returns a cursor. */
  readonly isCursor?: true;
  /**
   * Whether each of its writes changes at most one document. In a session of its own, the server then
   * refuses an earlier attempt that arrives after a later one.
   */
  readonly isRetryableWrite?: true;
  /** How many times the usual limit it may take. */
  readonly timeFactor?: number;
}

/** Building an index takes as long as its collection is large, and cannot be done in batches. */
const BUILDING = 40;

/** A symbol, so that the driver takes it for no option of its own. */
const ENDS_ON_TIMEOUT = Symbol("ends on timeout");

/** An option for a method: an attempt that gets no answer in time is the last one, and its error is thrown. */
export const endsOnTimeout: object = { [ENDS_ON_TIMEOUT]: true };

const METHODS: Readonly<Record<string, Method>> = {
  aggregate: { optionsAt: 1, isCursor: true },
  bulkWrite: { optionsAt: 1, isRetryableWrite: true },
  countDocuments: { optionsAt: 1 },
  createIndexes: { optionsAt: 1, timeFactor: BUILDING },
  createSearchIndex: { optionsAt: 1 },
  deleteMany: { optionsAt: 1 },
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
  updateMany: { optionsAt: 2 },
  updateOne: { optionsAt: 2, isRetryableWrite: true },
  // Methods of a database.
  command: { optionsAt: 1 },
  listCollections: { optionsAt: 1, isCursor: true },
};

/** Commands of the admin database are small. The driver ignores a socket timeout there, so our own timer is short. */
const ADMIN_METHODS: typeof METHODS = { command: { optionsAt: 1, timeFactor: 0.25 } };

/** A method of the driver. */
type Call = (...parameters: unknown[]) => unknown;

/**
 * A database whose commands are repeated if they fail for a reason that passes, also those of its collections
 * and cursors.
 *
 * Every command of this package may be repeated: a write that was carried out already finds its own result.
 * So no caller may rely on the counts in a reply: a repeated command reports that it changed nothing.
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

/** A member of a collection or a database. The methods of the table are repeated. */
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

/** A method, and how it is repeated. */
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
  if (!isRetryableWrite) {
    const isLast = readsEndsOnTimeout(parameters[method.optionsAt]) ? isTimeout : undefined;
    return policy.run(client, { name, timeFactor, attempt: send, isLast });
  }
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

function readsEndsOnTimeout(options: unknown): boolean {
  return typeof options === "object" && options !== null && ENDS_ON_TIMEOUT in options;
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
