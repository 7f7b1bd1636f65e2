import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import type { MongoClient } from "mongodb";
import { PerClient } from "../driver/per-client.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import { shareByCopies } from "../process/shared-by-copies.ts";
import type { GroupCommit } from "../store/group-commit.ts";
import { Cache } from "./cache.ts";
import { CacheRoom } from "./cache-room.ts";
import { EarlyStandings } from "./early-standings.ts";
import { Numbering } from "./numbering.ts";
import { SetsSeen } from "./sets-seen.ts";
import { WritesUnderWay } from "./writes-under-way.ts";

/** Where savers store. Savers with the same place share what this process remembers of it. */
export interface SharedPlace {
  readonly client: MongoClient;
  readonly databaseName: string;
  readonly collectionPrefix: string;
}

/**
 * What all savers of a place share, whatever their other options and whichever copy of this package they
 * are of. Each copy has its own caches and queues: what is in a cache is checked by the server when it is
 * used, and a chain of one queue can be ordered after a chain of another.
 */
interface Shared {
  readonly writesUnderWay: WritesUnderWay;
  /** Made with the first saver that has the option `witness`. */
  setsSeen: SetsSeen | undefined;
  readonly earlyStandings: EarlyStandings;
  /** Its number is part of the keys in the cache; with another one it is empty. */
  cacheGeneration: object;
}

const places = shareByCopies("places", () => new PerClient<Shared>());
const queues = new PerClient<GroupCommit>();
const rooms = new PerClient<CacheRoom>();
const numbers = new Numbering();

/** The pending writes that this process is storing in a place, whichever saver stores them. */
export function shareWritesUnderWay(place: SharedPlace): WritesUnderWay {
  return share(place).writesUnderWay;
}

/** The sets of pending writes that this process has stored in a place. */
export function shareSetsSeen(place: SharedPlace): SetsSeen {
  const shared = share(place);
  return (shared.setsSeen ??= new SetsSeen());
}

/** The interrupts and errors that this process has stored before their checkpoints. */
export function shareEarlyStandings(place: SharedPlace): EarlyStandings {
  return share(place).earlyStandings;
}

/** The queue of all writes to a place. */
export function shareCommits(place: SharedPlace, make: () => GroupCommit): GroupCommit {
  return queues.get(place.client, formatPlace(place), make);
}

/**
 * The cache of all savers of a place that have the same owner; it lies in the memory of all savers of
 * the client with the same bound.
 *
 * @param owner see {@link nameCacheOwner}
 */
export function shareCache(place: SharedPlace, maxBytes: number, owner: string): Cache {
  const room = rooms.get(place.client, String(maxBytes), () => new CacheRoom(maxBytes));
  return new Cache(room, `${numbers.get(share(place).cacheGeneration)}/${owner}`);
}

/** Empties the caches of a place: its documents may no longer exist. */
export function forgetCached(place: SharedPlace): void {
  share(place).cacheGeneration = {};
}

/**
 * Names the savers that may trust what one of them has verified: those with the same integrity keys and
 * the same serializer.
 */
export function nameCacheOwner(keys: KeyRing, serde: SerializerProtocol | undefined): string {
  return `${keys.digest}/${serde === undefined ? "-" : numbers.get(serde)}`;
}

function share(place: SharedPlace): Shared {
  return places.get(place.client, formatPlace(place), () => ({
    writesUnderWay: new WritesUnderWay(),
    setsSeen: undefined,
    earlyStandings: new EarlyStandings(),
    cacheGeneration: {},
  }));
}

function formatPlace({ databaseName, collectionPrefix }: SharedPlace): string {
  return JSON.stringify([databaseName, collectionPrefix]);
}
