import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import type { MongoClient } from "mongodb";
import { PerClient } from "../driver/per-client.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { GroupCommit } from "../store/group-commit.ts";
import { Cache } from "./cache.ts";
import { CacheRoom } from "./cache-room.ts";
import { SetsSeen } from "./sets-seen.ts";
import { WritesUnderWay } from "./writes-under-way.ts";

/** Where savers store: those that agree in this have one memory in this process. */
export interface SharedPlace {
  readonly client: MongoClient;
  readonly databaseName: string;
  readonly collectionPrefix: string;
}

/** What all savers of a place share, whatever their other options. */
interface Shared {
  commits: GroupCommit | undefined;
  readonly writesUnderWay: WritesUnderWay;
  readonly setsSeen: SetsSeen;
  /** Part of the keys in the cache; with another one it is empty. */
  cacheGeneration: number;
}

const places = new PerClient<Shared>();
const rooms = new PerClient<CacheRoom>();
let generations = 0;

/** The pending writes that this process is storing in a place, by whichever saver. */
export function shareWritesUnderWay(place: SharedPlace): WritesUnderWay {
  return share(place).writesUnderWay;
}

/** What this process has stored of sets of pending writes in a place. */
export function shareSetsSeen(place: SharedPlace): SetsSeen {
  return share(place).setsSeen;
}

/** The queue of all writes to a place. */
export function shareCommits(place: SharedPlace, make: () => GroupCommit): GroupCommit {
  return (share(place).commits ??= make());
}

/**
 * The cache of all savers of a place that have the same owner; it lies in the memory of all savers of
 * the client with the same bound.
 *
 * @param owner see {@link nameCacheOwner}
 */
export function shareCache(place: SharedPlace, maxBytes: number, owner: string): Cache {
  const room = rooms.get(place.client, String(maxBytes), () => new CacheRoom(maxBytes));
  return new Cache(room, `${share(place).cacheGeneration}/${owner}`);
}

/** Empties the caches of a place: what was stored there may have gone. */
export function forgetCached(place: SharedPlace): void {
  share(place).cacheGeneration = generations += 1;
}

const serializerNumbers = new WeakMap<SerializerProtocol, number>();
let serializers = 0;

/**
 * Names those who may trust what is in a cache: savers with the same integrity keys, since what one
 * has verified the next takes as it is, and with the same serializer.
 */
export function nameCacheOwner(keys: KeyRing, serde: SerializerProtocol | undefined): string {
  return `${keys.digest}/${serde === undefined ? "-" : numberOf(serde)}`;
}

function numberOf(serde: SerializerProtocol): number {
  let number = serializerNumbers.get(serde);
  if (number === undefined) serializerNumbers.set(serde, (number = serializers += 1));
  return number;
}

function share({ client, databaseName, collectionPrefix }: SharedPlace): Shared {
  return places.get(client, JSON.stringify([databaseName, collectionPrefix]), () => ({
    commits: undefined,
    writesUnderWay: new WritesUnderWay(),
    setsSeen: new SetsSeen(),
    cacheGeneration: (generations += 1),
  }));
}
