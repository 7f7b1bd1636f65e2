import { beforeAll, describe, expect, it } from "vitest";
import { useStores } from "./use-stores.ts";

const database = useStores();
const store = database.openStore();

const NAMESPACES = [
  ["a"],
  ["a", "b"],
  ["a", "b", "v1"],
  ["a", "b", "v2"],
  ["a", "c", "v1"],
  ["a-b", "x"],
  ["ab"],
  ["b", "a", "v1"],
  ["docs/old", "v1"],
  ["docs", "old", "v1"],
  ["é", "v1"],
];

beforeAll(async () => {
  for (const namespace of NAMESPACES) {
    for (const key of ["1", "2", "3"]) await store.put(namespace, key, { key });
  }
});

describe("listNamespaces", () => {
  it("gives each namespace that holds items once, in the order of its joined labels", async () => {
    expect(await store.listNamespaces()).toEqual([
      ["a"],
      ["a-b", "x"],
      ["a", "b"],
      ["a", "b", "v1"],
      ["a", "b", "v2"],
      ["a", "c", "v1"],
      ["ab"],
      ["b", "a", "v1"],
      ["docs", "old", "v1"],
      ["docs/old", "v1"],
      ["é", "v1"],
    ]);
  });

  it.each<[string, Parameters<typeof store.listNamespaces>[0], string[][]]>([
    [
      "prefix",
      { prefix: ["a", "b"] },
      [
        ["a", "b"],
        ["a", "b", "v1"],
        ["a", "b", "v2"],
      ],
    ],
    [
      "prefix with a wildcard",
      { prefix: ["a", "*", "v1"] },
      [
        ["a", "b", "v1"],
        ["a", "c", "v1"],
      ],
    ],
    ["prefix that is a wildcard", { prefix: ["*", "a"] }, [["b", "a", "v1"]]],
    [
      "suffix",
      { prefix: ["a"], suffix: ["v1"] },
      [
        ["a", "b", "v1"],
        ["a", "c", "v1"],
      ],
    ],
    [
      "suffix with a wildcard",
      { suffix: ["b", "*"] },
      [
        ["a", "b", "v1"],
        ["a", "b", "v2"],
      ],
    ],
    ["suffix longer than a namespace", { suffix: ["x", "a", "b", "v1"] }, []],
    ["prefix of a label only", { prefix: ["d"] }, []],
    ["prefix with a slash", { prefix: ["docs/old"] }, [["docs/old", "v1"]]],
    ["depth 1", { maxDepth: 1 }, [["a"], ["a-b"], ["ab"], ["b"], ["docs"], ["docs/old"], ["é"]]],
    ["depth 2 below a prefix", { prefix: ["a"], maxDepth: 2 }, [["a"], ["a", "b"], ["a", "c"]]],
    [
      "suffix before it is cut",
      { suffix: ["v1"], maxDepth: 1 },
      [["a"], ["b"], ["docs"], ["docs/old"], ["é"]],
    ],
    ["limit", { limit: 2 }, [["a"], ["a-b", "x"]]],
    [
      "limit and offset",
      { limit: 2, offset: 3 },
      [
        ["a", "b", "v1"],
        ["a", "b", "v2"],
      ],
    ],
    ["limit after cutting", { maxDepth: 1, limit: 2, offset: 1 }, [["a-b"], ["ab"]]],
    ["offset beyond the end", { offset: 50 }, []],
    ["no limit at all", { limit: Infinity, prefix: ["ab"] }, [["ab"]]],
    ["limit 0", { limit: 0 }, []],
  ])("by %s", async (_name, options, namespaces) => {
    expect(await store.listNamespaces(options)).toEqual(namespaces);
  });

  it("gives 100 if nothing is said, and pages that make up the whole", async () => {
    const many = database.openStore();
    await many.batch(
      Array.from({ length: 120 }, (_, index) => ({
        namespace: ["n", `${index}`],
        key: "k",
        value: {},
      })),
    );
    expect(await many.listNamespaces()).toHaveLength(100);
    const whole = await many.listNamespaces({ limit: 1_000 });
    const pages: string[][] = [];
    for (let offset = 0; offset < 120; offset += 50) {
      pages.push(...(await many.listNamespaces({ limit: 50, offset })));
    }
    expect(pages).toEqual(whole);
  });

  it("leaves out a namespace whose last item is gone or has expired", async () => {
    const own = database.openStore();
    await own.put(["gone"], "k", {});
    await own.put(["half"], "a", {}, undefined, { ttl: 0.001 });
    await own.put(["half"], "b", {});
    await own.put(["expired"], "k", {}, undefined, { ttl: 0.001 });
    await own.delete(["gone"], "k");
    await expect.poll(() => own.listNamespaces()).toEqual([["half"]]);
  });

  it("is one or two commands, however many items there are", async () => {
    const commands = await database.recordCommands(() => store.listNamespaces({ prefix: ["a"] }));
    expect(commands).toEqual(["aggregate", "aggregate"]);
    expect(await database.recordCommands(() => store.listNamespaces({ prefix: ["ab"] }))).toEqual([
      "aggregate",
    ]);
  });
});
