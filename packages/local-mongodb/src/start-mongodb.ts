import { MongoClient } from "mongodb";
import { findDownloadedMongod } from "./downloaded-mongod.ts";
import { currentEnvironment, type Environment, type Finding } from "./environment.ts";
import { findInstalledMongod } from "./mongod.ts";
import { runSupervised, type ServerProgram } from "./run-supervised.ts";
import { findSecantus } from "./secantus.ts";

/** A MongoDB to work with. */
export interface LocalMongoDB extends AsyncDisposable {
  /** The connection string. */
  readonly uri: string;
  /** One line that says which server is used. */
  readonly description: string;
  /** The id of a started server's process. */
  readonly pid?: number;
  /** Ends a started server and removes its files; a server of `MONGODB_URI` is left alone. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /**
   * Takes each line for people to read.
   *
   * @default console.error
   */
  readonly log?: (line: string) => void;
  /**
   * Seconds between two TTL sweeps of a started server. A server of `MONGODB_URI` keeps its own.
   *
   * @default 60
   */
  readonly ttlSweepSeconds?: number;
}

/** One way to a server and why it led nowhere. */
export interface FailedWay {
  readonly way: string;
  readonly reason: string;
}

/** No MongoDB can be had on this machine. The message lists every way and why it failed. */
export class NoMongoDBError extends Error {
  override readonly name = "NoMongoDBError";
  readonly failures: readonly FailedWay[];

  constructor(failures: readonly FailedWay[]) {
    const list = failures.map(({ way, reason }, index) => `${index + 1}. ${way}: ${reason}`);
    super(`No MongoDB to work with. Make any of these work:\n${list.join("\n")}`);
    this.failures = failures;
  }
}

interface Way {
  readonly choice: "mongod" | "memory-server" | "secantus";
  readonly label: string;
  readonly find: (environment: Environment, chosen: boolean) => Promise<Finding>;
}

const ALL_WAYS: readonly Way[] = [
  {
    choice: "mongod",
    label: "a mongod on the PATH or at MONGOMS_SYSTEM_BINARY",
    find: findInstalledMongod,
  },
  {
    choice: "memory-server",
    label: "the mongod that mongodb-memory-server downloads",
    find: (environment, chosen) =>
      findDownloadedMongod(environment, { ignoreRememberedFailure: chosen }),
  },
  {
    choice: "secantus",
    label: "SecantusDB from PyPI, which needs Python 3.11 or later",
    find: findSecantus,
  },
];

/**
 * Finds or starts a MongoDB: the server of `MONGODB_URI`, else a mongod on the `PATH` or at
 * `MONGOMS_SYSTEM_BINARY`, else the one that `mongodb-memory-server` downloads, else SecantusDB.
 * `THREADKEEP_MONGODB` (`mongod`, `memory-server` or `secantus`) allows one of the last three alone.
 *
 * A started server is a replica set of one without users, on a free port of 127.0.0.1, with its files
 * in the system's temporary directory. Server and files go when this process ends, however it ends.
 *
 * @throws NoMongoDBError if no way leads to a server
 * @throws Error if the server of `MONGODB_URI` cannot be reached: any other would be the wrong one
 *
 * @example
 * ```ts
 * await using mongodb = await startMongoDB();
 * const client = new MongoClient(mongodb.uri);
 * ```
 */
export function startMongoDB(options: StartOptions = {}): Promise<LocalMongoDB> {
  return startFrom(currentEnvironment(options.log), options);
}

/** {@link startMongoDB} in a given environment. */
export async function startFrom(
  environment: Environment,
  options: Pick<StartOptions, "ttlSweepSeconds"> = {},
): Promise<LocalMongoDB> {
  const uri = environment.variables["MONGODB_URI"];
  const choice = parseChoice(environment.variables["THREADKEEP_MONGODB"]);
  if (uri && choice === undefined) return useServerAt(uri, environment);

  const ruledOut = `ruled out by THREADKEEP_MONGODB=${choice}`;
  const failures: FailedWay[] = [
    {
      way: "a server of your own, named by MONGODB_URI",
      reason: choice === undefined ? "it is not set" : ruledOut,
    },
  ];
  const ways = ALL_WAYS.filter((way) => choice === undefined || way.choice === choice);
  for (const way of ALL_WAYS) {
    if (!ways.includes(way)) {
      failures.push({ way: way.label, reason: ruledOut });
      continue;
    }
    try {
      const finding = await way.find(environment, choice !== undefined);
      if (finding.program) return await startProgram(finding.program, environment, options);
      failures.push({ way: way.label, reason: finding.absent });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures.push({ way: way.label, reason });
      const next = ways[ways.indexOf(way) + 1];
      if (next) environment.log(`MongoDB: not ${way.label} (${reason}); trying ${next.label}`);
    }
  }
  throw new NoMongoDBError(failures);
}

function parseChoice(value: string | undefined): Way["choice"] | undefined {
  if (!value) return undefined;
  const choices = ALL_WAYS.map((way) => way.choice);
  const choice = choices.find((known) => known === value);
  if (choice !== undefined) return choice;
  throw new Error(`THREADKEEP_MONGODB is "${value}"; it has to be one of ${choices.join(", ")}`);
}

async function useServerAt(uri: string, { log }: Environment): Promise<LocalMongoDB> {
  const shownUri = hidePassword(uri);
  const version = await askVersion(uri).catch((error: unknown) => {
    throw new Error(
      `MONGODB_URI names ${shownUri}, which cannot be reached. Start it, or unset MONGODB_URI to ` +
        `have a server started for you.`,
      { cause: error },
    );
  });
  const description = `MongoDB: the server of MONGODB_URI (${shownUri}), MongoDB ${version}`;
  log(description);
  const stop = (): Promise<void> => Promise.resolve();
  return { uri, description, stop, [Symbol.asyncDispose]: stop };
}

async function startProgram(
  program: ServerProgram,
  { log }: Environment,
  options: Pick<StartOptions, "ttlSweepSeconds">,
): Promise<LocalMongoDB> {
  const { port, pid, stop } = await runSupervised(program, { ...options, log });
  const uri = `mongodb://127.0.0.1:${port}/`;
  try {
    const version = await askVersion(uri);
    const description = `MongoDB: ${program.name} on 127.0.0.1:${port}, speaking MongoDB ${version}`;
    log(description);
    return { uri, description, pid, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * The version a server says it has.
 *
 * @throws MongoServerSelectionError if it cannot be reached within 10 seconds, or within the
 * `serverSelectionTimeoutMS` of the connection string.
 */
async function askVersion(uri: string): Promise<string> {
  const hasOwnLimit = /[?&]serverSelectionTimeoutMS=/i.test(uri);
  const client = new MongoClient(uri, hasOwnLimit ? {} : { serverSelectionTimeoutMS: 10_000 });
  try {
    const { version } = await client.db("admin").command({ buildInfo: 1 });
    return String(version);
  } finally {
    await client.close();
  }
}

/** A connection string fit for a log: without the password. */
function hidePassword(uri: string): string {
  return uri.replace(/^(mongodb(?:\+srv)?:\/\/[^:@/]*):[^@]*@/, "$1:***@");
}
