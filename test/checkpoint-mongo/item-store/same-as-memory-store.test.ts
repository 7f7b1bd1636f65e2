import { InMemoryStore, type BaseStore, type Operation } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { useStores, withoutTimes } from "./use-stores.ts";

const database = useStores();

const label = fc.constantFrom("a", "b", "c", "a-b", "ab", "a/b", "0", "*x", "ü", "$a", "$b/c", "/");
const namespace = fc.array(label, { minLength: 1, maxLength: 3 });
const key = fc.constantFrom("1", "2", "a/b", "k k", "$x", "__proto__");
const scalar = fc.constantFrom<unknown>(1, 2, -1, 0.5, "1", "x", "", true, false, null);
const value = fc.record(
  { n: scalar, s: scalar, list: fc.array(scalar, { maxLength: 2 }), o: fc.record({ n: scalar }) },
  { requiredKeys: ["n"] },
);
const number = fc.constantFrom(-1, 0, 0.5, 1, 2);
// Where InMemoryStore compares ranges it turns both sides into numbers; that is left out.
const condition = fc.oneof(
  scalar,
  fc.record({ $eq: scalar }),
  fc.record({ $ne: scalar }),
  fc.record({ $in: fc.array(scalar, { maxLength: 3 }) }),
  fc.record({ $nin: fc.array(scalar, { maxLength: 3 }) }),
  fc.constant({}),
);
const filter = fc.dictionary(fc.constantFrom("n", "s", "list", "missing"), condition, {
  maxKeys: 2,
});
const path = fc.array(fc.oneof(label, fc.constant("*")), { minLength: 1, maxLength: 3 });

type Action =
  | {
      readonly do: "put";
      readonly namespace: string[];
      readonly key: string;
      readonly value: object;
    }
  | { readonly do: "delete"; readonly namespace: string[]; readonly key: string }
  | { readonly do: "get"; readonly namespace: string[]; readonly key: string }
  | { readonly do: "search"; readonly prefix: string[]; readonly filter: object }
  | {
      readonly do: "list";
      readonly prefix: string[] | undefined;
      readonly suffix: string[] | undefined;
      readonly maxDepth: number | undefined;
    };

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("put" as const), namespace, key, value }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), namespace, key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("get" as const), namespace, key }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("search" as const),
      prefix: fc.array(label, { maxLength: 2 }),
      filter,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("list" as const),
      prefix: fc.option(path, { nil: undefined }),
      suffix: fc.option(path, { nil: undefined }),
      maxDepth: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    }),
  },
);

/** What a store answers, in an order that does not depend on it. */
async function answer(store: BaseStore, step: Action): Promise<unknown> {
  switch (step.do) {
    case "put":
      return store.put(step.namespace, step.key, step.value);
    case "delete":
      return store.delete(step.namespace, step.key);
    case "get": {
      const item = await store.get(step.namespace, step.key);
      return item && withoutTimes(item);
    }
    case "search": {
      const found = await store.search(step.prefix, { filter: step.filter, limit: 1_000 });
      return sort(found.map(withoutTimes));
    }
    case "list": {
      const { prefix, suffix, maxDepth } = step;
      const found = await store.listNamespaces({
        ...(prefix && { prefix }),
        ...(suffix && { suffix }),
        ...(maxDepth !== undefined && { maxDepth }),
        limit: 1_000,
      });
      return sort(found);
    }
  }
}

function sort(values: readonly unknown[]): string[] {
  return values.map((entry) => JSON.stringify(entry)).toSorted();
}

/** LangGraph's store remembers namespaces that hold nothing any more; this one does not. */
class MemoryStore extends InMemoryStore {
  override async listNamespaces(
    options: Parameters<InMemoryStore["listNamespaces"]>[0],
  ): Promise<string[][]> {
    const { data } = this as unknown as { data: Map<string, Map<string, unknown>> };
    for (const [name, items] of data) if (items.size === 0) data.delete(name);
    return super.listNamespaces(options);
  }
}

describe("MongoDBStore", () => {
  it(
    "answers whatever is done to it as LangGraph's InMemoryStore does",
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), async (steps) => {
          const store = database.openStore();
          const memory = new MemoryStore();
          for (const step of steps) {
            const [found, wanted] = [await answer(store, step), await answer(memory, step)];
            expect({ step, found }).toEqual({ step, found: wanted });
          }
        }),
        { numRuns: 40 },
      );
    },
  );

  it("compares numbers in ranges as InMemoryStore does", async () => {
    const store = database.openStore();
    const memory = new InMemoryStore();
    for (const [index, n] of [-2, -0, 0, 0.5, 1, 1.5, 1e300, Infinity, -Infinity].entries()) {
      await store.put(["n"], `${index}`, { n });
      await memory.put(["n"], `${index}`, { n });
    }
    await fc.assert(
      fc.asyncProperty(
        fc.record({ $gt: number, $gte: number, $lt: number, $lte: number }, { requiredKeys: [] }),
        async (range) => {
          const step: Action = { do: "search", prefix: ["n"], filter: { n: range } };
          expect(await answer(store, step)).toEqual(await answer(memory, step));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("pages as InMemoryStore does: limit and offset cut one and the same order", async () => {
    const store = database.openStore();
    await store.batch(
      Array.from({ length: 23 }, (_, index): Operation => ({
        namespace: ["p", `${index % 4}`],
        key: `${index}`,
        value: { index },
      })),
    );
    const whole = await store.search(["p"], { limit: 100 });
    await fc.assert(
      fc.asyncProperty(fc.nat(25), fc.nat(25), async (offset, limit) => {
        expect(await store.search(["p"], { offset, limit })).toEqual(
          whole.slice(offset, offset + limit),
        );
      }),
      { numRuns: 30 },
    );
  });
});
