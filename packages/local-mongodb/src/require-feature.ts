import { MongoClient, type Document } from "mongodb";
import { inject, type TestContext } from "vitest";
import { temporaryDatabase } from "./temporary-database.ts";

/** What a test may need that not every server that speaks MongoDB's protocol has. */
export type Feature = keyof typeof PROBES;

/** How to find out; each resolves with whether the server has it. */
const PROBES = {
  /** Explains a query by the stages of its plan and the name of its index. */
  "plans that name their index": async (client: MongoClient): Promise<boolean> => {
    await using database = temporaryDatabase(client);
    const db = client.db(database.name);
    await db.collection("probe").createIndexes([{ key: { field: 1 }, name: "probe" }]);
    const query = { find: "probe", filter: { field: 1 } };
    const explained = await db.command({ explain: query, verbosity: "executionStats" });
    let stage = (explained["queryPlanner"] as Document | undefined)?.["winningPlan"] as
      | Document
      | undefined;
    while (stage?.["inputStage"] !== undefined) stage = stage["inputStage"] as Document;
    return stage?.["indexName"] === "probe";
  },
  /** Fails as it is told to: MongoDB with test commands. */
  "fail points": (client: MongoClient): Promise<boolean> =>
    answers(client, { configureFailPoint: "failCommand", mode: "off" }),
  /** Knows a write that the driver repeats: a replica set or a sharded cluster. */
  "retryable writes": async (client: MongoClient): Promise<boolean> => {
    const hello = await client.db("admin").command({ hello: 1 });
    return hello["setName"] !== undefined || hello["msg"] === "isdbgrid";
  },
  /** Does several things as one: a replica set or a sharded cluster. */
  transactions: async (client: MongoClient): Promise<boolean> => {
    const session = client.startSession();
    try {
      session.startTransaction();
      await client.db("admin").collection("probe").findOne({}, { session });
      await session.commitTransaction();
      return true;
    } catch (error) {
      if (error instanceof Error && error.name === "MongoServerError") return false;
      throw error;
    } finally {
      await session.endSession();
    }
  },
  /** Tells of changes as they come: a replica set or a sharded cluster. */
  "change streams": async (client: MongoClient): Promise<boolean> => {
    const stream = client.db("admin").collection("probe").watch([], { maxAwaitTimeMS: 1 });
    try {
      await stream.tryNext();
      return true;
    } catch (error) {
      if (error instanceof Error && error.name === "MongoServerError") return false;
      throw error;
    } finally {
      await stream.close();
    }
  },
  /** Deletes what has expired within seconds. */
  "a TTL monitor that runs every second": async (client: MongoClient): Promise<boolean> => {
    // That of a server that was started for the tests does, whether or not it can be asked.
    if (!process.env["MONGODB_URI"]) return true;
    const admin = client.db("admin");
    const asked = { getParameter: 1, ttlMonitorSleepSecs: 1 };
    const { ttlMonitorSleepSecs } = await admin.command(asked).catch((): Document => ({}));
    return Number(ttlMonitorSleepSecs) <= 1;
  },
};

/** All of them. */
export const FEATURES: readonly Feature[] = Object.keys(PROBES) as Feature[];

/** Asks a server whether it has a feature. */
export async function hasFeature(uri: string, feature: Feature): Promise<boolean> {
  const client = new MongoClient(uri);
  try {
    return await PROBES[feature](client);
  } finally {
    await client.close();
  }
}

async function answers(client: MongoClient, command: Document): Promise<boolean> {
  try {
    await client.db("admin").command(command);
    return true;
  } catch (error) {
    // Any other error is not an answer of the server.
    if (error instanceof Error && error.name === "MongoServerError") return false;
    throw error;
  }
}

const known = new Map<Feature, Promise<boolean>>();

/**
 * Says that a test needs a feature of the server. Where the server of `MONGODB_URI` does not have it, the
 * test ends here, and the run reports it as needing that. A server that was started for the tests has
 * to have it.
 *
 * @example
 * ```ts
 * import { requireFeature } from "@threadkeep/local-mongodb/features";
 *
 * beforeEach((context) => requireFeature(context, "fail points"));
 * ```
 */
export async function requireFeature(context: TestContext, feature: Feature): Promise<void> {
  const uri = inject("mongodbUri");
  const asked = known.get(feature) ?? hasFeature(uri, feature);
  known.set(feature, asked);
  if (await asked) return;
  if (!process.env["MONGODB_URI"]) {
    throw new Error(`The server that was started for the tests lacks ${feature}.`);
  }
  // The test run's reporter looks for these words.
  context.skip(`needs ${feature}`);
}
