import type { RunnableConfig } from "@langchain/core/runnables";
import { CorruptCheckpointError, type MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { Binary, type Document, type WithId } from "mongodb";
import { beforeAll, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { COLLECTION, useDatabase } from "./use-database.ts";

const database = useDatabase();
const documents = database.db.collection(COLLECTION);

const ITEMS = ["what it began with", "what came next", "and then, what came next"];
const WRITTEN = "what a task has written, what a task has written";
const GROWN = [...ITEMS, "on top of it"];

let latest: RunnableConfig;
let stored: WithId<Document>[];

/** A list that was appended to twice, and a pending write. */
beforeAll(async () => {
  const saver = database.openSaver();
  latest = threadConfig("damaged");
  for (let count = 1; count <= ITEMS.length; count += 1) {
    const state = { list: ITEMS.slice(0, count).map(makeItem) };
    latest = await putCheckpoint(
      saver,
      latest,
      makeCheckpoint(state, { versions: { list: count } }),
    );
  }
  await saver.putWrites(latest, [["list", WRITTEN]], "task");
  stored = await documents.find({ thread_id: "damaged" }).toArray();
});

it("the thread has every kind of bytes: packed ones, and ones that were appended", () => {
  const fields = stored.flatMap((document) => listFields(document).map(({ path }) => path));
  expect(new Set(fields)).toEqual(
    new Set(["body", "segments", "data", "more.0", "more.1", "writes.0.value"]),
  );
});

/** For each byte of a field, and what is written in place of the field. */
const DAMAGES: Record<string, (bytes: Buffer, at: number) => Buffer> = {
  "cut off before": (bytes, at) => bytes.subarray(0, at),
  "changed at": (bytes, at) => {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1 << (at % 8);
    return changed;
  },
  "put in front of": (bytes, at) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.of(at % 2), bytes.subarray(at)]),
};

it.each(Object.entries(DAMAGES))(
  "bytes %s any byte: a read is right or names the damage, and the same after the next put",
  async (_what, damage) => {
    const outcomes = { read: 0, built: 0, refused: 0 };
    for (const document of stored) {
      for (const { path, binary } of listFields(document)) {
        const bytes = Buffer.from(binary.buffer.subarray(0, binary.position));
        for (let at = 0; at < bytes.byteLength; at += 1) {
          const value = new Binary(damage(bytes, at), binary.sub_type);
          await documents.updateOne({ _id: document._id }, { $set: { [path]: value } });
          const { built } = outcomes;
          await goOn(`${path} ${at}`, outcomes);
          if (outcomes.built > built) await restore();
          else await documents.replaceOne({ _id: document._id }, document);
        }
      }
    }
    // Damage to what a put does not build upon, and to what it does.
    expect(outcomes.read).toBeGreaterThan(0);
    expect(outcomes.built).toBeGreaterThan(outcomes.read);
    expect(outcomes.refused).toBeGreaterThan(0);
  },
  240_000,
);

it.each([
  ["a part that was appended is missing", [["more.0"]]],
  ["the last one that was appended is missing", [["more.1"]]],
  ["they changed places", [["more.0", "more.1"]]],
] as const)("%s: the same holds", async (_what, [paths]) => {
  const segment = stored.find(({ kind, more }) => kind === "segment" && Array.isArray(more))!;
  const more = segment["more"] as Binary[];
  const changed =
    paths.length === 1
      ? more.filter((_, index) => `more.${index}` !== paths[0])
      : more.toReversed();
  for (const appends of [changed.length, more.length]) {
    await documents.updateOne({ _id: segment._id }, { $set: { more: changed, appends } });
    const outcomes = { read: 0, built: 0, refused: 0 };
    await goOn(paths.join(" and "), outcomes);
    await restore();
    expect(outcomes).toEqual({ read: 0, built: 1, refused: 0 });
  }
});

/** Reads the latest checkpoint and puts one on top of it, in a process that knows nothing of the thread. */
async function goOn(
  what: string,
  outcomes: { read: number; built: number; refused: number },
): Promise<void> {
  const saver = database.openSaver();
  const read = await orCorrupt(async () => {
    const tuple = await saver.getTuple(latest);
    expect({ what, ...tuple?.checkpoint.channel_values, written: tuple?.pendingWrites }).toEqual({
      what,
      list: ITEMS.map(makeItem),
      written: [["task", "list", WRITTEN]],
    });
  });
  if (read !== undefined) outcomes.read += 1;
  const child = await orCorrupt(() =>
    putCheckpoint(
      saver,
      latest,
      makeCheckpoint({ list: GROWN.map(makeItem) }, { versions: { list: 9 } }),
    ),
  );
  if (child === undefined) {
    outcomes.refused += 1;
    return;
  }
  outcomes.built += 1;
  const list = await readList(database.openSaver(), child.value);
  expect({ what, list }).toEqual({ what, list: GROWN.map(makeItem) });
}

/** What an action gives; undefined if it says that something is damaged. */
async function orCorrupt<T>(action: () => Promise<T>): Promise<{ value: T } | undefined> {
  try {
    return { value: await action() };
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) return undefined;
    throw error;
  }
}

async function readList(saver: MongoDBSaver, config: RunnableConfig): Promise<unknown> {
  return (await saver.getTuple(config))?.checkpoint.channel_values["list"];
}

async function restore(): Promise<void> {
  await documents.deleteMany({ thread_id: "damaged" });
  await documents.insertMany(stored);
}

/** Long enough to lie in a segment. */
function makeItem(text: string): string {
  return `${text} `.repeat(16);
}

/** Where content lies in a document. */
interface Field {
  readonly path: string;
  readonly binary: Binary;
}

function listFields(document: Document): Field[] {
  const fields: Field[] = [];
  const add = (path: string, value: unknown) => {
    if (value instanceof Binary) fields.push({ path, binary: value });
  };
  for (const path of ["body", "segments", "data"]) add(path, document[path]);
  for (const [index, part] of ((document["more"] ?? []) as unknown[]).entries()) {
    add(`more.${index}`, part);
  }
  for (const [index, write] of ((document["writes"] ?? []) as Document[]).entries()) {
    add(`writes.${index}.value`, write["value"]);
  }
  return fields;
}
