import type { MongoClient } from "mongodb";
import type { MongoDBSaver } from "../../saver/mongodb-saver.ts";
import { isUnauthenticated } from "../../driver/server-errors.ts";
import { asUsageError, CommandLineError } from "../command-line-error.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { ENVIRONMENT, type ConnectionOptions } from "./connection-options.ts";
import { openArchiveStore } from "./open-archive-store.ts";
import { readConfig, type CommandLineConfig } from "./read-config.ts";
import { listSecrets, redactSecrets } from "./redact-secrets.ts";
import type { SaverEvent } from "../../context/events.ts";

/** What a command works with once it is connected. */
export interface Session {
  readonly saver: MongoDBSaver;
  readonly client: MongoClient;
  readonly settings: SessionSettings;
}

/** Where a session reads and writes. */
export interface SessionSettings {
  readonly uri: string;
  /** The file of `--config`, as far as it is known. */
  readonly config: CommandLineConfig;
  /** Whether threads can go to an archive store, and come back. */
  readonly hasArchive: boolean;
  readonly databaseName: string;
  /** The collection of the threads. */
  readonly collectionName: string;
  /** The collections of the official saver. */
  readonly official: { readonly checkpoints: string; readonly writes: string };
}

/** What a session needs of its surroundings. */
export interface SessionPlace {
  readonly env: NodeJS.ProcessEnv;
  /** Hears of damage that was passed over. */
  readonly onEvent: (event: SaverEvent) => void;
  /** Hears what no message may show. */
  readonly onSecrets: (secrets: readonly string[]) => void;
}

const DEFAULT_COLLECTION_PREFIX = "threadkeep_";

/** A person waits: the driver's 30 s are too long. */
const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Connects, and makes the saver. Driver and saver are loaded only now, because that takes longer than all else
 * that most commands do.
 *
 * @throws CommandLineError if it is not said where the threads are, or the server cannot be reached
 */
export async function openSession(
  options: ConnectionOptions,
  { env, onEvent, onSecrets }: SessionPlace,
): Promise<Session> {
  const file = options.config ?? env[ENVIRONMENT.config];
  const config = file === undefined || file === "" ? {} : await readConfig(file);
  const { uri: uriOfConfig, serde, ...settings } = config;
  const uri = options.uri ?? (env[ENVIRONMENT.uri] || uriOfConfig);
  if (uri === undefined || uri === "") {
    throw asUsageError(
      `There is no connection string. Set ${ENVIRONMENT.uri}, for example to mongodb://localhost:27017/agents, ` +
        "or give --uri.",
    );
  }
  onSecrets(listSecrets(uri));
  const place = options.archiveStore ?? (env[ENVIRONMENT.archiveStore] || undefined);
  const archive = place === undefined ? settings.archive : await openArchiveStore(place);
  const [
    { MongoClient: Client },
    { MongoDBSaver: Saver },
    { nameCollection },
    { guardConnection },
  ] = await Promise.all([
    import("mongodb"),
    import("../../saver/mongodb-saver.ts"),
    import("../../saver/set-up.ts"),
    import("../../options/guard-connection.ts"),
  ]);
  const timeoutMs = options.timeout ?? DEFAULT_TIMEOUT_MS;
  const clientOptions = { appName: "threadkeep", serverSelectionTimeoutMS: timeoutMs };
  const client = guardConnection(
    "threadkeep",
    uri,
    undefined,
    () => new Client(uri, clientOptions),
  );
  const dbName = options.db ?? (env[ENVIRONMENT.db] || settings.dbName);
  const collectionPrefix =
    options.collectionPrefix ?? settings.collectionPrefix ?? DEFAULT_COLLECTION_PREFIX;
  const saver = new Saver(
    {
      onEvent,
      retry: { deadlineMs: timeoutMs },
      ...settings,
      client,
      ...(archive !== undefined && { archive }),
      ...definedOnly({
        dbName,
        collectionPrefix,
        checkpointCollectionName: options.checkpointCollection,
        checkpointWritesCollectionName: options.writesCollection,
      }),
    },
    serde,
  );
  await connectClient(client, uri);
  const { checkpointCollectionName: checkpoints, checkpointWritesCollectionName: writes } = saver;
  const { databaseName } = client.db(dbName);
  return {
    saver,
    client,
    settings: {
      uri,
      config,
      hasArchive: archive !== undefined,
      databaseName,
      collectionName: nameCollection({ collectionPrefix }),
      official: { checkpoints, writes },
    },
  };
}

async function connectClient(client: MongoClient, uri: string): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    await client.close();
    const hosts = client.options.hosts.map(String).join(", ");
    const cause = redactSecrets(
      error instanceof Error ? error.message : String(error),
      listSecrets(uri),
    );
    const advice = isUnauthenticated(error)
      ? "Check the name and the password, and the authSource of the connection string."
      : "Check the connection string, that the server is up, and that it accepts connections from here.";
    throw new CommandLineError(
      EXIT_CODES.unavailable,
      "STORAGE_UNAVAILABLE",
      `Cannot connect to ${hosts}: ${cause.replace(/\.?$/, ".")} ${advice}`,
    );
  }
}

function definedOnly<Values extends Record<string, string | undefined>>(
  values: Values,
): Partial<{ [Key in keyof Values]: string }> {
  const defined = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as Partial<{ [Key in keyof Values]: string }>;
}
