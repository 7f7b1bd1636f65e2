import type { CacheNamespace } from "@langchain/langgraph-checkpoint";

/** An entry is not as it was written, or this cache cannot read it. It counts as a miss. */
export interface UnreadableEntryEvent {
  /** Tells events apart. */
  readonly type: "unreadable-entry";
  /** The namespace of the entry. */
  readonly namespace: CacheNamespace;
  /** The key of the entry. */
  readonly key: string;
  /** What is wrong with it. */
  readonly reason: string;
}

/** A value cannot be cached. Nothing was stored for its key; an earlier entry stays. */
export interface RefusedEntryEvent {
  /** Tells events apart. */
  readonly type: "refused-entry";
  /** The namespace of the entry. */
  readonly namespace: CacheNamespace;
  /** The key of the entry. */
  readonly key: string;
  /** Why, and where in the value. */
  readonly reason: string;
  /** The error behind it, for example an `UnserializableStateError`; none for a value too large. */
  readonly error: unknown;
}

/** The database failed or could not be reached. A `get` found nothing, or a `set` stored nothing. */
export interface CacheFailureEvent {
  /** Tells events apart. */
  readonly type: "cache-failure";
  /** What the cache was doing. */
  readonly operation: "get" | "set" | "evict";
  /** The error, for example a `StorageUnavailableError`. */
  readonly error: unknown;
}

/** An event that a cache reports; told apart by `type`. */
export type CacheEvent = UnreadableEntryEvent | RefusedEntryEvent | CacheFailureEvent;

/** A function that gets the events of a cache. */
export type ReportCacheEvent = (event: CacheEvent) => void;

/** Reports an event as a warning of the process, as Node.js prints them. */
export function emitCacheWarning(event: CacheEvent): void {
  process.emitWarning(describeEvent(event), { type: "ThreadkeepWarning", code: CODES[event.type] });
}

const CODES: Record<CacheEvent["type"], string> = {
  "unreadable-entry": "CACHE_ENTRY_UNREADABLE",
  "refused-entry": "CACHE_ENTRY_REFUSED",
  "cache-failure": "CACHE_FAILURE",
};

const CONSEQUENCES: Record<CacheFailureEvent["operation"], string> = {
  get: "Nothing was found, so the nodes run again.",
  set: "Entries may not have been stored; their nodes will run again.",
  evict: "The cache may take more than maxBytes until a later set evicts.",
};

function describeEvent(event: CacheEvent): string {
  if (event.type === "cache-failure") {
    return `The cache failed (${event.operation}): ${String(event.error)} ${CONSEQUENCES[event.operation]}`;
  }
  const entry = `${JSON.stringify(event.key)} of ${JSON.stringify(event.namespace)}`;
  return event.type === "unreadable-entry"
    ? `The cached entry ${entry} was not returned: ${event.reason}`
    : `The entry ${entry} was not cached: ${event.reason}`;
}
