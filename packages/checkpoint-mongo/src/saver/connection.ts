import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import type { Db, MongoClient } from "mongodb";
import type { SaverSettings } from "../context/options.ts";
import { findBinaryClass, type BinaryClass } from "../driver/binary-class.ts";
import { openCollection, openDatabase } from "../driver/open-database.ts";
import type { RetryLimits } from "../driver/retry-policy.ts";
import { shareServerClock } from "../driver/server-clock.ts";
import { shareCommits } from "../memory/shared-by-client.ts";
import { isOfficialThere } from "../migration/look-for-official.ts";
import { OfficialCollections } from "../migration/official-collections.ts";
import { OfficialSerializer } from "../records/official-serializer.ts";
import type { Serializer } from "../records/serializer.ts";
import { GroupCommit } from "../store/group-commit.ts";
import type { ServerFeatures } from "../store/server-features.ts";
import { Store } from "../store/store.ts";
import { nameCollection, setUpOnce } from "./set-up.ts";

/** What a saver reads and writes through. */
export interface OpenedStore {
  readonly store: Store;
  readonly official: OfficialCollections;
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
    const opened = this.#opened;
    if (opened?.store.db === db && opened.store.features === features) return opened;
    return (this.#opened = {
      store: openStore(request, Binary, features),
      official: openOfficial(request),
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
  return new Store({ db, name, Binary, commits, clock, features });
}

function openOfficial({
  client,
  db,
  settings,
  officialNames,
  serde,
  serializer,
}: ConnectionRequest): OfficialCollections {
  // A user's serializer decides itself which objects it makes.
  const reader = serializer.isNative
    ? new OfficialSerializer(serde, settings.allowedObjects)
    : serde;
  return new OfficialCollections(db, officialNames, reader, () =>
    isOfficialThere(client, db, officialNames.checkpoints),
  );
}
