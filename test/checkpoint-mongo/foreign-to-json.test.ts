import { uuid6 } from "@langchain/langgraph-checkpoint";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useCacheDatabase } from "./node-cache/use-cache.ts";
import { useStores } from "./item-store/use-stores.ts";

const stores = useStores();
const { database, openCache } = useCacheDatabase();

type Method = (this: never) => unknown;

const methodOf = (holder: object): Method => Reflect.get(holder, "toString") as Method;

/** What libraries give to classes of the language, in the way they do it. */
const LIBRARIES: readonly (readonly [string, object, Method])[] = [
  [
    "vega-lite",
    Set.prototype,
    function toJSON(this: Set<unknown>) {
      return `Set(${[...this].map((item) => JSON.stringify(item)).join(",")})`;
    },
  ],
  [
    "one that writes maps as objects",
    Map.prototype,
    function toJSON(this: Map<string, unknown>) {
      return Object.fromEntries(this);
    },
  ],
  [
    "a library named Prototype",
    Array.prototype,
    function toJSON(this: unknown[]) {
      return `[${this.map((item) => JSON.stringify(item)).join(", ")}]`;
    },
  ],
  ["a line that many programs have for BigInt", BigInt.prototype, methodOf(BigInt.prototype)],
  ["one for regular expressions", RegExp.prototype, methodOf(RegExp.prototype)],
  [
    "one for errors",
    Error.prototype,
    function toJSON(this: Error) {
      return { message: this.message };
    },
  ],
];

const state = {
  set: new Set(["a", new Set([1])]),
  many: new Set(Array.from({ length: 100 }, (_, index) => `item ${index}`)),
  map: new Map([["a", 1n]]),
  list: [[1, 2], [/a/g], [new Error("x")]],
  big: 12n,
};

/** All that can be stored, written and read by processes that may have loaded a library. */
async function write(name: string): Promise<void> {
  const saver = database.openSaver();
  const config = await putCheckpoint(
    saver,
    threadConfig(name),
    makeCheckpoint(state),
    makeMetadata({ tags: ["a", "b"] }),
  );
  await saver.putWrites(config, Object.entries(state), uuid6(0));
  await stores.openStore({ collectionName: "items" }).put(["of", name], "key", state);
  await openCache("libraries").cache.set([{ key: [["of", name], "key"], value: state }]);
}

async function read(name: string) {
  const tuple = await database.openSaverElsewhere().getTuple(threadConfig(name));
  const item = await stores.openStore({ collectionName: "items" }).get(["of", name], "key");
  const hits = await openCache("libraries").cache.get([[["of", name], "key"]]);
  return {
    values: tuple?.checkpoint.channel_values,
    metadata: tuple?.metadata,
    writes: Object.fromEntries(tuple?.pendingWrites?.map(([, key, value]) => [key, value]) ?? []),
    item: item?.value,
    hits: hits.map(({ value }) => value),
    damages: (await database.openSaver().verifyThread(name)).damages,
  };
}

const expected = {
  values: state,
  metadata: makeMetadata({ tags: ["a", "b"] }),
  writes: state,
  item: state,
  hits: [state],
  damages: [],
};

async function withLibrary<T>(
  holder: object,
  toJSON: Method,
  action: () => Promise<T>,
): Promise<T> {
  Object.assign(holder, { toJSON });
  try {
    return await action();
  } finally {
    delete (holder as { toJSON?: unknown }).toJSON;
  }
}

describe.each(LIBRARIES)("%s", (name, holder, toJSON) => {
  it("does not change what is written with it and read without it", async () => {
    await withLibrary(holder, toJSON, () => write(`${name} written`));
    expect(await read(`${name} written`)).toEqual(expected);
  });

  it("does not change what is written without it and read with it", async () => {
    await write(`${name} read`);
    const found = await withLibrary(holder, toJSON, () => read(`${name} read`));
    expect(found).toEqual(expected);
  });
});
