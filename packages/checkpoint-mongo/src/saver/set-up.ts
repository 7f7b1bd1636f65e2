import type { Db, MongoClient } from "mongodb";
import type { SaverSettings } from "../context/options.ts";
import { OncePerClient } from "../driver/once-per-client.ts";
import { openCollection } from "../driver/open-database.ts";
import { isOfficialThere } from "../migration/look-for-official.ts";
import { checkLayout } from "../store/check-layout.ts";
import { ensureThreadIndexes } from "../store/ensure-indexes.ts";
import { detectFeatures, type ServerFeatures } from "../store/server-features.ts";

/** A collection to set up, and how. */
export interface SetupRequest {
  readonly client: MongoClient;
  readonly db: Db;
  readonly settings: Pick<SaverSettings, "collectionPrefix" | "ttlGraceSeconds">;
  /** Where the official saver kept checkpoints. */
  readonly officialName: string;
}

/** What the server was found to be, once for all savers of a client. */
const setups = new OncePerClient<ServerFeatures>();

/**
 * Sets up a saver's collection, unless a saver of the client has done so: looks what the server is,
 * and makes the indexes.
 *
 * @throws SetupError if an index cannot be made, or an earlier layout is there
 */
export function setUpOnce(request: SetupRequest): Promise<ServerFeatures> {
  return setups.do(request.client, formatKey(request), () => setUp(request));
}

/** Lets the next saver do it again. */
export function forgetSetup(request: SetupRequest): void {
  setups.forget(request.client, formatKey(request));
}

async function setUp({
  client,
  db,
  settings,
  officialName,
}: SetupRequest): Promise<ServerFeatures> {
  const { collectionPrefix, ttlGraceSeconds } = settings;
  const place = { db, all: openCollection(db, nameCollection(settings)) };
  await checkLayout(place, collectionPrefix);
  const [features] = await Promise.all([
    detectFeatures(db),
    ensureThreadIndexes(place, ttlGraceSeconds),
    isOfficialThere(client, db, officialName),
  ]);
  return features;
}

/** The name of a saver's collection. */
export function nameCollection({
  collectionPrefix,
}: Pick<SaverSettings, "collectionPrefix">): string {
  return `${collectionPrefix}threads`;
}

function formatKey({ db, settings }: SetupRequest): string {
  const { collectionPrefix, ttlGraceSeconds } = settings;
  return JSON.stringify([db.databaseName, collectionPrefix, ttlGraceSeconds]);
}
