import { INTERRUPT } from "@langchain/langgraph-checkpoint";
import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { requireFeature } from "@threadkeep/local-mongodb/features";
import type { CommandStartedEvent, Document, IndexDescriptionInfo } from "mongodb";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { COLLECTION, useDatabase } from "./use-database.ts";

const database = useDatabase();
const LENGTHS = [5, 25];

/** Threads beside those that are read and written, and how many steps each has. */
const OTHERS = { threads: 6, steps: 25 };

/** How the server carries out a query, as it explains it. */
interface ExplainedQuery {
  readonly queryPlanner: { readonly winningPlan: Stage };
  readonly executionStats: { readonly totalDocsExamined: number; readonly nReturned: number };
}

type Explained =
  | ExplainedQuery
  | { readonly stages: readonly [{ readonly $cursor: ExplainedQuery }] };

interface Stage {
  readonly stage: string;
  readonly inputStage?: Stage;
  readonly indexName?: string;
  readonly keyPattern?: Document;
}

/** What matters of it. */
interface Plan {
  readonly query: Document;
  readonly index: string;
  readonly key: Document;
  readonly stages: readonly string[];
  readonly examined: number;
  /** How many documents the filter matches. */
  readonly matching: number;
}

beforeAll(async () => {
  const others = Array.from({ length: OTHERS.threads }, (_, index) => `other ${index}`);
  await Promise.all([
    ...LENGTHS.map((length) => fillThread(`of ${length}`, length)),
    ...others.map((threadId) => fillThread(threadId, OTHERS.steps)),
  ]);
});

beforeEach((context) => requireFeature(context, "plans that name their index"));

/** A thread, each of whose steps has a checkpoint, a segment and pending writes of its own. */
async function fillThread(threadId: string, length: number): Promise<void> {
  const saver = database.openSaver();
  let config = threadConfig(threadId);
  for (let step = 1; step <= length; step += 1) {
    config = await putCheckpoint(
      saver,
      config,
      makeCheckpoint(makeState(step), { id: idOf(step) }),
    );
    await saver.putWrites(config, [["list", "x"]], "task");
  }
}

/** Operations on a thread whose last step is given. */
const OPERATIONS: Readonly<
  Record<string, (saver: MongoDBSaver, threadId: string, last: number) => Promise<unknown>>
> = {
  "getTuple of the latest": (saver, threadId) => saver.getTuple(threadConfig(threadId)),
  "getTuple by id": (saver, threadId) => saver.getTuple(configOf(threadId, 2)),
  "getTuple where nothing is": (saver, threadId) =>
    saver.getTuple(threadConfig(threadId, { namespace: "none" })),
  list: (saver, threadId) => Array.fromAsync(saver.list(threadConfig(threadId), { limit: 3 })),
  getDeltaChannelHistory: (saver, threadId, last) =>
    saver.getDeltaChannelHistory({ config: configOf(threadId, last), channels: ["list", "none"] }),
  "put of a child": (saver, threadId, last) => {
    // One list is appended to, and the other is new.
    const { list } = makeState(last);
    const values = { list: [...list, "appended ".repeat(50)], other: ["new ".repeat(100)] };
    const checkpoint = makeCheckpoint(values, { versions: { list: 2 } });
    return putCheckpoint(saver, configOf(threadId, last), checkpoint);
  },
  "put of a thread's first checkpoint": (saver, threadId, last) =>
    putCheckpoint(saver, threadConfig(`new ${threadId}`), makeCheckpoint(makeState(last))),
  "put of what is there, with other content": (saver, threadId) =>
    putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ list: [] }, { id: idOf(1) })),
  putWrites: (saver, threadId, last) =>
    saver.putWrites(
      configOf(threadId, last),
      [
        ["list", "y"],
        [INTERRUPT, { value: "sure?" }],
      ],
      "another task",
    ),
};

describe.each(LENGTHS)(
  "in a thread of %i steps, among hundreds of documents of others,",
  (length) => {
    it.each(Object.entries(OPERATIONS))(
      "each query of %s reads only the documents that it needs",
      async (_name, operation) => {
        const threadId = `of ${length}`;
        const plans = await explain((saver) => operation(saver, threadId, length));
        expect(plans.length).toBeGreaterThan(0);
        const others = { thread_id: { $ne: threadId } };
        const documents = await database.db.collection(COLLECTION).countDocuments(others);
        expect(documents).toBeGreaterThan(3 * OTHERS.threads * OTHERS.steps);
        const [exact, wide] = split(plans, ({ query }) => isExact(readFilter(query)));
        for (const { query, index, stages, examined, matching } of exact) {
          const found = { filter: readFilter(query), index, stages, examined };
          expect(found).toEqual({ ...found, examined: matching });
          expect(stages).not.toContain("COLLSCAN");
        }
        const indexes = await database.db.collection(COLLECTION).indexes();
        const lost = wide.filter(({ query }) => !indexes.some((index) => leads(index, query)));
        expect(lost).toEqual([]);
      },
    );
  },
);

it.each([
  ["the latest checkpoint", threadConfig("of 25"), "head"],
  ["a checkpoint by its id", configOf("of 25", 2), "address"],
])(
  "getTuple finds %s by an index for that, and its writes by another",
  async (_what, config, index) => {
    const [checkpoint, writes] = await explain((saver) => saver.getTuple(config));
    expect(checkpoint).toMatchObject({ index, examined: 1 });
    expect(writes).toMatchObject({ index: "writes" });
  },
);

it("list finds checkpoints in the order of an index", async () => {
  const plans = await explain((saver) =>
    Array.fromAsync(saver.list(threadConfig("of 25"), { limit: 3 })),
  );
  const [checkpoints] = plans as [Plan];
  expect(checkpoints.index).toBe("order");
  // What is left of the index, after the fields that the filter fixes, is the order asked for.
  const { filter, sort } = checkpoints.query as { filter: Document; sort: Map<string, number> };
  const left = Object.entries(checkpoints.key).filter(([field]) => !Object.hasOwn(filter, field));
  expect(left).toEqual([...sort]);
});

function makeState(step: number): { list: string[] } {
  return { list: [`item ${step} `.repeat(50)] };
}

function idOf(step: number): string {
  return String(step).padStart(3, "0");
}

function configOf(threadId: string, step: number) {
  return threadConfig(threadId, { checkpointId: idOf(step) });
}

function split<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

/**
 * Whether a filter asks for one value of each field, or for several of its only one. With `$in` or a
 * range beside an equality, the development server goes through the whole collection, and so it does
 * for fields that an index does not have. MongoDB does not: of such a filter only the index that
 * {@link leads} MongoDB is asked for. These are the ones by which the saver finds several segments at
 * once, ancestors, the writes of many checkpoints, and a checkpoint to replace.
 */
function isExact(filter: Document): boolean {
  const conditions = Object.values(filter);
  if (filter["checkpoint_id"] !== undefined && filter["seq"] !== undefined) return false;
  return conditions.length === 1 || conditions.every((condition) => !isRange(condition));
}

function isRange(condition: unknown): boolean {
  return (
    typeof condition === "object" &&
    condition !== null &&
    Object.keys(condition).some((key) => key.startsWith("$"))
  );
}

/**
 * Whether an index leads to what a filter matches: its first fields are those of the filter, or it is
 * unique and the filter has all of its fields. What all documents in the index have alike, and what is
 * in an array, need not be among them.
 */
function leads(
  { key, unique = false, partialFilterExpression: partial = {} }: IndexDescriptionInfo,
  query: Document,
): boolean {
  const filter = readFilter(query);
  if (Object.entries(partial).some(([field, value]) => filter[field] !== value)) return false;
  const fields = Object.keys(filter).filter((field) => !field.includes("."));
  const wanted = fields.filter((field) => !Object.hasOwn(partial, field));
  const all = Object.keys(key);
  const first = new Set(all.slice(0, wanted.length));
  return (
    wanted.every((field) => first.has(field)) ||
    (unique && all.every((field) => wanted.includes(field)))
  );
}

function readFilter(query: Document): Document {
  return (query["filter"] ?? (query["pipeline"] as Document[])[0]!["$match"]) as Document;
}

/** Has the server explain the queries that an operation of a new process sends. */
async function explain(operation: (saver: MongoDBSaver) => Promise<unknown>): Promise<Plan[]> {
  const saver = database.openSaver();
  await saver.setup();
  const commands: Document[] = [];
  const record = ({ command }: CommandStartedEvent) => commands.push(command);
  database.client.on("commandStarted", record);
  await operation(saver);
  database.client.off("commandStarted", record);
  const plans: Plan[] = [];
  for (const command of commands) {
    for (const query of await listQueries(command)) plans.push(await explainQuery(query));
  }
  return plans;
}

/** A command's queries; those by which it finds what it changes are explained as if it read that. */
async function listQueries(command: Document): Promise<Document[]> {
  const { lsid: _session, $clusterTime: _time, $db: _database, ...query } = command;
  if ("find" in query) return [query];
  if ("aggregate" in query) return [query, ...(await listJoins(query))];
  if ("findAndModify" in query) return [toFind(query["query"] as Document)];
  const updates = (query["updates"] ?? query["deletes"]) as readonly { q: Document }[] | undefined;
  if (updates === undefined) throw new Error(`No query of ${Object.keys(query)[0]} is known.`);
  return updates.map(({ q }) => toFind(q));
}

/** Only the first stage of an aggregation is explained, and here a second one joins. */
async function listJoins(query: Document): Promise<Document[]> {
  const [{ $match }, { $lookup }] = query["pipeline"] as [Document, Document];
  const { localField, foreignField } = $lookup as Record<"localField" | "foreignField", string>;
  const documents = await database.db
    .collection(COLLECTION)
    .find($match as Document)
    .toArray();
  return documents.map((document) => toFind({ [foreignField]: document[localField] as unknown }));
}

function toFind(filter: Document): Document {
  return { find: COLLECTION, filter };
}

async function explainQuery(query: Document): Promise<Plan> {
  const explained = await database.db.command({ explain: query, verbosity: "executionStats" });
  // Of an aggregation, the first stage is the query.
  const { queryPlanner, executionStats } =
    "stages" in explained
      ? (explained as Exclude<Explained, ExplainedQuery>).stages[0].$cursor
      : (explained as ExplainedQuery);
  const stages: Stage[] = [];
  for (let stage: Stage | undefined = queryPlanner.winningPlan; stage !== undefined;) {
    stages.push(stage);
    stage = stage.inputStage;
  }
  const { indexName = "no index", keyPattern = {} } = stages.at(-1)!;
  return {
    query,
    index: indexName,
    key: keyPattern,
    stages: stages.map(({ stage }) => stage),
    examined: executionStats.totalDocsExamined,
    matching: await database.db.collection(COLLECTION).countDocuments(readFilter(query)),
  };
}
