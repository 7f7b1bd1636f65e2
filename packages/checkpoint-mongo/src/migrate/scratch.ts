import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import type { MongoClient } from "mongodb";
import type { SaverContext } from "../context/context.ts";
import { openCollection, openDatabase } from "../driver/open-database.ts";
import { shareServerClock } from "../driver/server-clock.ts";
import { Cache } from "../memory/cache.ts";
import { CacheRoom } from "../memory/cache-room.ts";
import { OfficialCollections } from "../migration/official-collections.ts";
import { ConflictDeadline } from "../store/conflict-rounds.ts";
import { ensureThreadIndexes } from "../store/ensure-indexes.ts";
import { GroupCommit } from "../store/group-commit.ts";
import { Store } from "../store/store.ts";

/** What a run that was killed leaves there expires. */
const SCRATCH_TTL_SECONDS = 3_600;

/** Bytes of memory for what was lately written there. */
const CACHE_BYTES = 64 * 1_024 * 1_024;

/** The collection in which threads are put together, beside the saver's own. */
function nameScratch(collectionPrefix: string): string {
  return `${collectionPrefix}migrating`;
}

/** Gives a collection in which threads can be put as a saver puts them, seen by nobody. */
export async function openScratch(context: SaverContext): Promise<SaverContext> {
  const { store, settings } = context;
  const { client, databaseName } = store.db as typeof store.db & { readonly client: MongoClient };
  const name = nameScratch(settings.collectionPrefix);
  const place = { db: store.db, all: openCollection(store.db, name) };
  await ensureThreadIndexes(place, settings.ttlGraceSeconds);
  const once = openDatabase(client, databaseName);
  const { retry, operationTimeoutMs } = settings;
  const limits = { deadlineMs: retry.deadlineMs, operationTimeoutMs };
  const commits = new GroupCommit(openCollection(once, name), client).withLimits(limits);
  const none: SerializerProtocol = {
    dumpsTyped: () => Promise.reject(new Error("Nothing is written there.")),
    loadsTyped: () => Promise.reject(new Error("Nothing is read there.")),
  };
  return {
    ...context,
    store: new Store({
      db: store.db,
      name,
      Binary: store.Binary,
      commits,
      clock: shareServerClock(client),
      features: store.features,
      encryption: store.encryption,
    }),
    cache: new Cache(new CacheRoom(CACHE_BYTES), "migrate"),
    settings: {
      ...settings,
      ttl: SCRATCH_TTL_SECONDS,
      ttlRefreshOnRead: false,
      persist: "every",
      witness: false,
      verifyAfterSave: false,
      onCheckpointSize: undefined,
    },
    setsSeen: undefined,
    official: new OfficialCollections(store.db, { checkpoints: name, writes: name }, none, () =>
      Promise.resolve(false),
    ),
    deadline: new ConflictDeadline(retry.deadlineMs),
  };
}
