import type { CacheNamespace } from "@langchain/langgraph-checkpoint";

/** An entry is not as it was written, or was written in a way that this cache cannot read: a miss. */
export interface UnreadableEntryEvent {
  readonly type: "unreadable-entry";
  readonly namespace: CacheNamespace;
  readonly key: string;
  /** What is wrong with it. */
  readonly reason: string;
}

/** A value cannot be cached. Nothing was stored for its key; what was there before stays. */
export interface RefusedEntryEvent {
  readonly type: "refused-entry";
  readonly namespace: CacheNamespace;
  readonly key: string;
  /** Why, and where in the value. */
  readonly reason: string;
  /** The error behind it, for example an `UnserializableStateError`; none for a value too large. */
  readonly error: unknown;
}

/** The database failed or could not be reached. A `get` found nothing, a `set` stored nothing. */
export interface CacheFailureEvent {
  readonly type: "cache-failure";
  readonly operation: "get" | "set" | "evict";
  readonly error: unknown;
}

/** What a cache reports beside what its methods return; told apart by `type`. */
export type CacheEvent = UnreadableEntryEvent | RefusedEntryEvent | CacheFailureEvent;

/** Where a cache reports to. */
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
  get: "Nothing was found, so what was asked for is computed anew.",
  set: "Entries may not have been stored; they will be computed anew.",
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
