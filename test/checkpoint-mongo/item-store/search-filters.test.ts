import { InvalidOptionsError } from "@threadkeep/checkpoint-mongo";
import { beforeAll, describe, expect, it } from "vitest";
import { useStores } from "./use-stores.ts";

const database = useStores();
const store = database.openStore();

const VALUES: Record<string, Record<string, unknown>> = {
  one: { n: 1, s: "a", tags: ["x", "y"], o: { p: 1, q: "z" }, at: new Date(1_000), f: true },
  two: { n: 2, s: "b", tags: ["y"], o: { p: 2 }, at: new Date(2_000), f: false },
  three: { n: 3, s: "c", tags: [], nothing: null },
  text: { n: "2", s: "B", list: [1, 2], at: "2026-01-01" },
  none: { $gt: 5, $where: "1", other: 1 },
};

beforeAll(async () => {
  for (const [key, value] of Object.entries(VALUES)) await store.put(["f"], key, value);
});

async function find(filter: unknown): Promise<string[]> {
  const found = await store.search(["f"], { filter: filter as Record<string, unknown> });
  return found.map(({ key }) => key).toSorted();
}

describe("a filter", () => {
  it.each<[string, unknown, string[]]>([
    ["a value", { n: 2 }, ["two"]],
    ["$eq", { s: { $eq: "a" } }, ["one"]],
    ["$ne", { n: { $ne: 2 } }, ["none", "one", "text", "three"]],
    ["$gt", { n: { $gt: 1 } }, ["three", "two"]],
    ["$gte and $lt", { n: { $gte: 1, $lt: 3 } }, ["one", "two"]],
    ["$lte", { n: { $lte: 1 } }, ["one"]],
    ["$gt of strings", { s: { $gt: "a" } }, ["three", "two"]],
    ["$lt of dates", { at: { $lt: new Date(1_500) } }, ["one"]],
    ["$in", { n: { $in: [1, "2", 9] } }, ["one", "text"]],
    ["$in of nothing", { n: { $in: [] } }, []],
    ["$nin", { s: { $nin: ["a", "b"] } }, ["none", "text", "three"]],
    ["$nin of nothing", { s: { $nin: [] } }, ["none", "one", "text", "three", "two"]],
    ["$exists", { o: { $exists: true } }, ["one", "two"]],
    ["$exists false", { n: { $exists: false } }, ["none"]],
    ["$and", { $and: [{ n: { $gt: 1 } }, { s: "b" }] }, ["two"]],
    ["$or", { $or: [{ n: 1 }, { s: "c" }] }, ["one", "three"]],
    ["$or beside a field", { f: true, $or: [{ n: 1 }, { n: 2 }] }, ["one"]],
    [
      "$or in $and in $or",
      { $or: [{ $and: [{ $or: [{ n: 1 }, { n: 2 }] }, { f: false }] }] },
      ["two"],
    ],
    ["$or of nothing", { $or: [] }, []],
    ["$and of nothing", { $and: [] }, ["none", "one", "text", "three", "two"]],
    ["two fields", { n: 1, s: "b" }, []],
    ["nothing", {}, ["none", "one", "text", "three", "two"]],
    ["no condition", { n: {} }, ["none", "one", "text", "three", "two"]],
    ["null, which is no missing field", { nothing: null }, ["three"]],
    ["undefined, which is a missing field", { n: undefined }, ["none"]],
    ["a field of a field", { "o.p": 2 }, ["two"]],
    ["an object", { o: { p: 2 } }, ["two"]],
    ["a list, as a whole", { list: [1, 2] }, ["text"]],
    ["an item of a list, which is not the list", { tags: "y" }, []],
    ["NaN, which equals nothing", { n: Number.NaN }, []],
    ["a date", { at: new Date(2_000) }, ["two"]],
    ["a boolean", { f: false }, ["two"]],
  ])("by %s", async (_name, filter, keys) => {
    expect(await find(filter)).toEqual(keys);
  });

  it.each<[unknown, string]>([
    [{ n: { $regex: "a" } }, "filter.n.$regex"],
    [{ n: { $where: "true" } }, "filter.n.$where"],
    [{ n: { $not: { $eq: 1 } } }, "filter.n.$not"],
    [{ n: { $gt: 1, extra: 2 } }, "filter.n.extra"],
    [{ $where: "sleep(1000)" }, "filter"],
    [{ $expr: { $eq: [1, 1] } }, "filter"],
    [{ $nor: [{ n: 1 }] }, "filter"],
    [{ $or: [{ $where: "1" }] }, "filter.$or[0]"],
    [{ $or: { n: 1 } }, "filter.$or"],
    [{ $and: [7] }, "filter.$and[0]"],
    [{ "a.$where": 1 }, "filter"],
    [{ "$a.b": 1 }, "filter"],
    [{ "a\0b": 1 }, "filter"],
    [{ "": 1 }, "filter"],
    [{ "a..b": 1 }, "filter"],
    [{ ".a": 1 }, "filter"],
    [{ n: { $eq: { $gt: "" } } }, "filter.n.$eq"],
    [{ n: { a: { $gt: "" } } }, "filter.n.a"],
    [{ n: [{ $gt: "" }] }, "filter.n[0]"],
    [{ n: { $in: [{ $gt: "" }] } }, "filter.n.$in[0]"],
    [{ n: { $in: "abc" } }, "filter.n.$in"],
    [{ n: { $nin: 5 } }, "filter.n.$nin"],
    [{ n: { $exists: 1 } }, "filter.n.$exists"],
    [{ n: { $gt: {} } }, "filter.n.$gt"],
    [{ n: { $gt: null } }, "filter.n.$gt"],
    [{ n: /a/ }, "filter.n"],
    [{ n: new Map([["$gt", 1]]) }, "filter.n"],
    [{ n: { a: { _bsontype: "Code", code: "1" } } }, "filter.n.a"],
    [{ n: () => 1 }, "filter.n"],
    [{ n: 5n }, "filter.n"],
    [{ n: "\ud83d" }, "filter.n"],
    [[{ n: 1 }], "filter"],
    ["n", "filter"],
  ])("%o is refused before any command, with the place", async (filter, place) => {
    await store.start();
    let thrown: unknown;
    const commands = await database.recordCommands(async () => {
      await find(filter).catch((error: unknown) => {
        thrown = error;
      });
    });
    expect(commands).toEqual([]);
    expect(InvalidOptionsError.isInstance(thrown)).toBe(true);
    expect((thrown as Error).message).toContain(`Invalid ${place} of search`);
  });

  it("that contains itself is refused", async () => {
    const filter: Record<string, unknown> = {};
    filter["$and"] = [filter];
    await expect(find(filter)).rejects.toThrow(/levels deep/);
  });
});
