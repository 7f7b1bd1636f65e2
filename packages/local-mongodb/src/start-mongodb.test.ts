import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { afterEach, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { currentEnvironment, type Environment } from "./environment.ts";
import { requireFeature } from "./require-feature.ts";
import { NoMongoDBError, startFrom } from "./start-mongodb.ts";
import { temporaryDatabase } from "./temporary-database.ts";

/** The discard service's port: nothing listens there, so a connection is refused at once. */
const CLOSED_PORT = 9;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-start-test-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** A machine with no server, no network and no Python, and the lines that were logged on it. */
function bareMachine(variables: NodeJS.ProcessEnv): Environment & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    variables: {
      PATH: directory,
      HOME: directory,
      MONGOMS_DOWNLOAD_DIR: directory,
      MONGOMS_DOWNLOAD_MIRROR: `https://127.0.0.1:${CLOSED_PORT}`,
      ...variables,
    },
    cacheDirectory: join(directory, "cache"),
    log: (line) => lines.push(line),
    lines,
  };
}

describe("the server of a run", () => {
  it("takes transactions and gives each test a database that nobody else sees", async (context) => {
    await requireFeature(context, "transactions");
    const client = new MongoClient(inject("mongodbUri"));
    try {
      await using mine = temporaryDatabase(client);
      await using other = temporaryDatabase(client);
      const documents = client.db(mine.name).collection("documents");
      await documents.createIndexes([{ key: { n: 1 } }]);
      await client.withSession((session) =>
        session.withTransaction(() => documents.insertMany([{ n: 1 }, { n: 2 }], { session })),
      );
      expect(await documents.countDocuments()).toBe(2);
      expect(await client.db(other.name).collection("documents").countDocuments()).toBe(0);

      await mine.drop();
      expect(await documents.countDocuments()).toBe(0);
    } finally {
      await client.close();
    }
  });
});

describe("startMongoDB", () => {
  it("starts a server whose TTL sweep runs as often as asked", async () => {
    const current = currentEnvironment();
    const { MONGODB_URI: _notStarted, ...variables } = current.variables;
    await using mongodb = await startFrom({ ...current, variables }, { ttlSweepSeconds: 1 });
    const client = new MongoClient(mongodb.uri);
    try {
      const documents = client.db("ttl").collection("documents");
      await documents.createIndexes([{ key: { expires_at: 1 }, expireAfterSeconds: 0 }]);
      await documents.insertOne({ expires_at: new Date() });
      await vi.waitFor(async () => expect(await documents.countDocuments()).toBe(0), 10_000);
    } finally {
      await client.close();
    }
  });

  it("uses the server of MONGODB_URI, says so in one line and leaves it running", async () => {
    const machine = bareMachine({ MONGODB_URI: inject("mongodbUri") });
    const mongodb = await startFrom(machine);
    expect(mongodb.uri).toBe(inject("mongodbUri"));
    expect(machine.lines).toEqual([mongodb.description]);
    expect(mongodb.description).toMatch(/^MongoDB: the server of MONGODB_URI \(.+\), MongoDB \d/);

    await mongodb.stop();
    const client = new MongoClient(mongodb.uri);
    expect(await client.db("admin").command({ ping: 1 })).toMatchObject({ ok: 1 });
    await client.close();
  });

  it("refuses to use another server than an unreachable MONGODB_URI, and hides its password", async () => {
    const uri = `mongodb://me:secret@127.0.0.1:${CLOSED_PORT}/?serverSelectionTimeoutMS=500`;
    const error = await startFrom(bareMachine({ MONGODB_URI: uri })).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toContain(`mongodb://me:***@127.0.0.1:${CLOSED_PORT}/`);
    expect(String(error)).not.toContain("secret");
  });

  it("lists four ways to a server and what is wrong with each when none can be had", async () => {
    const machine = bareMachine({});
    const error = await startFrom(machine).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(NoMongoDBError);
    expect((error as NoMongoDBError).failures.map(({ reason }) => reason)).toEqual([
      "it is not set",
      "there is no mongod on the PATH and MONGOMS_SYSTEM_BINARY is not set",
      expect.stringContaining(`ECONNREFUSED 127.0.0.1:${CLOSED_PORT}`),
      expect.stringContaining("there is no python3 on the PATH"),
    ]);
    expect((error as NoMongoDBError).message.match(/^\d\. .+: .+$/gm)).toHaveLength(4);
    expect(machine.lines).toEqual([
      expect.stringMatching(/^MongoDB: not .+mongodb-memory-server.+; trying SecantusDB/),
    ]);
  });

  it("names a MONGOMS_SYSTEM_BINARY that cannot be run", async () => {
    const path = join(directory, "missing-mongod");
    await expect(
      startFrom(bareMachine({ MONGOMS_SYSTEM_BINARY: path, THREADKEEP_MONGODB: "mongod" })),
    ).rejects.toThrow(`MONGOMS_SYSTEM_BINARY names ${path}, which is no program that can be run`);
  });

  it("tries only the way that THREADKEEP_MONGODB names", async () => {
    const machine = bareMachine({
      MONGODB_URI: inject("mongodbUri"),
      THREADKEEP_MONGODB: "secantus",
    });
    const error = await startFrom(machine).catch((e: unknown) => e);
    expect((error as NoMongoDBError).failures.map(({ reason }) => reason)).toEqual([
      ...Array.from({ length: 3 }, () => "ruled out by THREADKEEP_MONGODB=secantus"),
      expect.stringContaining("there is no python3 on the PATH"),
    ]);
    expect(machine.lines).toEqual([]);
  });

  it("names the choices when THREADKEEP_MONGODB is none of them", async () => {
    await expect(startFrom(bareMachine({ THREADKEEP_MONGODB: "postgres" }))).rejects.toThrow(
      'THREADKEEP_MONGODB is "postgres"; it has to be one of mongod, memory-server, secantus',
    );
  });

  it("passes on what a server said that ended while it was starting", async () => {
    const machine = bareMachine({
      MONGOMS_SYSTEM_BINARY: process.execPath,
      THREADKEEP_MONGODB: "mongod",
    });
    await expect(startFrom(machine)).rejects.toThrow(/it ended with exit code 9\n.*bad option/s);
  });
});
