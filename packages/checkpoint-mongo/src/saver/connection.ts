import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import type { Db, MongoClient } from "mongodb";
import type { SaverSettings } from "../context/options.ts";
import type { ThreadEncryption } from "../encryption/thread-encryption.ts";
import { findBinaryClass, type BinaryClass } from "../driver/binary-class.ts";
import { openCollection, openDatabase } from "../driver/open-database.ts";
import type { RetryLimits } from "../driver/retry-policy.ts";
import { shareServerClock } from "../driver/server-clock.ts";
import type { Hasher } from "../integrity/hashes.ts";
import type { EncryptionSettings } from "../keys/encryption-settings.ts";
import { shareCommits } from "../memory/shared-by-client.ts";
import { isOfficialThere } from "../migration/look-for-official.ts";
import { OfficialCollections } from "../migration/official-collections.ts";
import { OfficialSerializer } from "../records/official-serializer.ts";
import type { Serializer } from "../records/serializer.ts";
import { GroupCommit } from "../store/group-commit.ts";
import type { ServerFeatures } from "../store/server-features.ts";
import { Store } from "../store/store.ts";
import { chooseHasher, openEncryption, type KeysPlace } from "./open-encryption.ts";
import { nameCollection, setUpOnce } from "./set-up.ts";

/** What a saver reads and writes through. */
export interface OpenedStore {
  readonly store: Store;
  readonly official: OfficialCollections;
  readonly hasher: Hasher;
}

/** What a saver has when a call of it begins: a subclass may change client and database. */
export interface ConnectionRequest {
  readonly client: MongoClient;
  readonly db: Db;
  readonly settings: SaverSettings;
  readonly limits: RetryLimits;
  /** Where the official saver kept checkpoints and pending writes. */
  readonly officialNames: { readonly checkpoints: string; readonly writes: string };
  readonly serde: SerializerProtocol;
  readonly serializer: Serializer;
  /** By the keys of `integrity`. */
  readonly hasher: Hasher;
  readonly encryption: EncryptionSettings | undefined;
  readonly keysPlace: KeysPlace;
}

/**
 * The connection of a saver, shared by all that wrap it. The collection is set up, and the store opened, with the first
 * call.
 */
export class Connection {
  /** Whether the saver made its client itself. */
  isOwned = false;
  #opened: OpenedStore | undefined;

  async open(request: ConnectionRequest): Promise<OpenedStore> {
    const { client, db, settings, officialNames } = request;
    const Binary = await findBinaryClass(client);
    const [features] = await Promise.all([
      setUpOnce({ client, db, settings, officialName: officialNames.checkpoints }),
      shareServerClock(client).sync(db),
    ]);
    const encryption =
      request.encryption && (await openEncryption(request.keysPlace, request.encryption, Binary));
    const opened = this.#opened;
    const isSame =
      opened?.store.db === db &&
      opened.store.features === features &&
      opened.store.encryption?.secrets === encryption?.secrets;
    if (isSame) return opened;
    const { hasher } = request;
    return (this.#opened = {
      store: openStore(request, Binary, features, encryption),
      official: openOfficial(request),
      hasher: encryption === undefined ? hasher : chooseHasher(hasher, encryption),
    });
  }

  /** Closes the client if the saver made it. */
  async close(client: MongoClient): Promise<void> {
    if (this.isOwned) await client.close();
  }
}

function openStore(
  { client, db, settings, limits }: ConnectionRequest,
  Binary: BinaryClass,
  features: ServerFeatures,
  encryption: ThreadEncryption | undefined,
): Store {
  const name = nameCollection(settings);
  const { collectionPrefix } = settings;
  const place = { client, databaseName: db.databaseName, collectionPrefix };
  const commits = shareCommits(place, () => {
    // The queue repeats commands itself, together with chains that have come meanwhile.
    const once = openDatabase(client, db.databaseName);
    return new GroupCommit(openCollection(once, name), client);
  }).withLimits(limits);
  const clock = shareServerClock(client);
  return new Store({ db, name, Binary, commits, clock, features, encryption });
}

function openOfficial({
  client,
  db,
  settings,
  officialNames,
  serde,
  serializer,
  encryption,
}: ConnectionRequest): OfficialCollections {
  // A user's serializer decides itself which objects it makes.
  const reader = serializer.isNative
    ? new OfficialSerializer(serde, settings.allowedObjects)
    : serde;
  const isThere = (): Promise<boolean> => isOfficialThere(client, db, officialNames.checkpoints);
  // Whoever can write to the database could put threads there in clear text.
  const isRefused = encryption?.isPlainAllowed === false;
  return new OfficialCollections(db, officialNames, reader, isThere, isRefused);
}
