import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import {
  InvalidOptionsError,
  MongoDBStore,
  SearchTooWideError,
  type MongoDBStoreSettings,
  type SimilarityFunction,
  type StoreEvent,
} from "@threadkeep/checkpoint-mongo";
import * as fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { asNewProcess } from "../new-process.ts";
import { useStores } from "./use-stores.ts";

const database = useStores();

/** Embeds a text by how often each letter of `abcd` stands in it. */
class LetterEmbeddings implements EmbeddingsInterface {
  readonly documents: string[][] = [];
  readonly queries: string[] = [];

  embedDocuments(texts: string[]): Promise<number[][]> {
    this.documents.push(texts);
    return Promise.resolve(texts.map(countLetters));
  }

  embedQuery(text: string): Promise<number[]> {
    this.queries.push(text);
    return Promise.resolve(countLetters(text));
  }
}

function countLetters(text: string): number[] {
  return ["a", "b", "c", "d"].map((letter) => text.split(letter).length - 1);
}

let opened = 0;

function openStore(settings: MongoDBStoreSettings & { similarity?: SimilarityFunction } = {}) {
  opened += 1;
  const { similarity, ...rest } = settings;
  const embeddings = new LetterEmbeddings();
  const collectionName = `vectors_${opened}`;
  const store = database.openStore({
    collectionName,
    embeddings,
    indexConfig: {
      name: "vectors",
      dims: 4,
      embeddingKey: "text",
      ...(similarity && { similarityFunction: similarity }),
    },
    onEvent: () => {},
    ...rest,
  });
  return { store, embeddings, collectionName };
}

describe("a search with a query, where the server has no vector search", () => {
  it("gives the nearest first, with their scores", async () => {
    const { store } = openStore();
    await store.put(["d"], "aa", { text: "aaaa" });
    await store.put(["d"], "ab", { text: "aabb" });
    await store.put(["d"], "cc", { text: "cccc" });
    const found = await store.search(["d"], { query: "a" });
    expect(found.map(({ key }) => key)).toEqual(["aa", "ab", "cc"]);
    expect(found.map(({ score }) => score)).toEqual([
      1,
      expect.closeTo(0.5 + 0.25 * Math.SQRT2),
      0.5,
    ]);
    expect(found[0]).toMatchObject({ namespace: ["d"], value: { text: "aaaa" } });
  });

  it.each<SimilarityFunction>(["cosine", "euclidean", "dotProduct"])(
    "by %s gives what comparing with every item gives, page by page",
    async (similarity) => {
      const { store } = openStore({ similarity });
      const texts = fc.sample(fc.stringMatching(/^[abcd]{1,6}$/), { numRuns: 40, seed: 7 });
      await store.batch(
        texts.map((text, index) => ({ namespace: ["d"], key: `${index}`, value: { text } })),
      );
      const whole = await store.search(["d"], { query: "aabc", limit: 100 });
      expect(whole).toHaveLength(40);
      const expected = texts
        .map((text, index) => ({ key: `${index}`, score: rate(similarity, "aabc", text) }))
        .toSorted((a, b) => b.score - a.score || (a.key < b.key ? -1 : 1));
      expect(whole.map(({ score: found }) => found)).toEqual(
        expected.map((item) => expect.closeTo(item.score) as number),
      );
      const pages: unknown[] = [];
      for (let offset = 0; offset < 40; offset += 9) {
        pages.push(...(await store.search(["d"], { query: "aabc", limit: 9, offset })));
      }
      expect(pages).toEqual(whole);
    },
  );

  it("keeps to its namespace prefix and its filter, and still fills the limit", async () => {
    const { store } = openStore();
    await store.batch(
      Array.from({ length: 60 }, (_, index) => ({
        namespace: [index % 2 === 0 ? "d" : "e", "x"],
        key: `${index}`,
        value: { text: "a".repeat(1 + (index % 5)), even: index % 4 === 0 },
      })),
    );
    const found = await store.search(["d"], { query: "a", filter: { even: true }, limit: 12 });
    expect(found).toHaveLength(12);
    for (const { namespace, value } of found) {
      expect(namespace).toEqual(["d", "x"]);
      expect(value["even"]).toBe(true);
    }
  });

  it("leaves out items that are not embedded or have expired", async () => {
    const { store } = openStore();
    await store.put(["d"], "yes", { text: "a" });
    await store.put(["d"], "index false", { text: "a" }, false);
    await store.put(["d"], "no text", { other: "a" });
    await store.put(["d"], "expired", { text: "a" }, undefined, { ttl: 0.001 });
    await expect
      .poll(async () => (await store.search(["d"], { query: "a" })).map(({ key }) => key))
      .toEqual(["yes"]);
    expect(await store.search(["d"])).toHaveLength(3);
  });

  it("forgets the vector of a value that was replaced", async () => {
    const { store } = openStore();
    await store.put(["d"], "k", { text: "a" });
    await store.put(["d"], "k", { text: "bbb" });
    expect((await store.search(["d"], { query: "b" }))[0]?.score).toBe(1);
    await store.put(["d"], "k", { text: "a" }, false);
    expect(await store.search(["d"], { query: "a" })).toEqual([]);
  });

  it("is refused beyond its bound, instead of comparing a part", async () => {
    const { store } = openStore({ maxExactSearchItems: 5 });
    await store.batch(
      Array.from({ length: 6 }, (_, index) => ({
        namespace: ["d", `${index}`],
        key: "k",
        value: { text: "a", n: index },
      })),
    );
    const error: unknown = await store
      .search(["d"], { query: "a" })
      .catch((thrown: unknown) => thrown);
    expect(SearchTooWideError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ code: "SEARCH_TOO_WIDE", maxItems: 5 });
    expect(await store.search(["d"], { query: "a", filter: { n: { $lt: 5 } } })).toHaveLength(5);
    expect(await store.search(["d", "3"], { query: "a" })).toHaveLength(1);
  });

  it("is told once: to onEvent, or as a warning of the process", async () => {
    const events: StoreEvent[] = [];
    const { store } = openStore({ onEvent: (event) => events.push(event) });
    await store.start();
    await store.search([], { query: "a" });
    await store.search([], { query: "b" });
    expect(events).toMatchObject([{ type: "exact-search", maxItems: 20_000 }]);
    const emitWarning = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    onTestFinished(() => emitWarning.mockRestore());
    await openStore({ onEvent: undefined }).store.start();
    expect(emitWarning).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining("no vector search"),
      { type: "ThreadkeepWarning", code: "EXACT_SEARCH" },
    );
  });
});

describe("stores of one client, made for one request each", () => {
  it("tell each listener once that there is no vector search", async () => {
    const client = asNewProcess(database.client);
    const open = (onEvent: (event: StoreEvent) => void) =>
      new MongoDBStore({
        client,
        dbName: database.name,
        collectionName: "told",
        embeddings: new LetterEmbeddings(),
        indexConfig: { name: "told", dims: 4 },
        onEvent,
      });
    const one = vi.fn<(event: StoreEvent) => void>();
    const other = vi.fn<(event: StoreEvent) => void>();
    for (const listener of [one, other, one, other]) {
      await open(listener).search([], { query: "a" });
    }
    expect([one.mock.calls.length, other.mock.calls.length]).toEqual([1, 1]);
  });
});

describe("embedding", () => {
  it("is one call for a batch, before anything is stored", async () => {
    const { store, embeddings } = openStore();
    await store.batch([
      { namespace: ["d"], key: "1", value: { text: "a" } },
      { namespace: ["d"], key: "1" },
      { namespace: ["d"], key: "2", value: { text: "b" } },
      { namespace: ["d"], key: "3", value: { text: "a" } },
      { namespace: ["d"], key: "4", value: { text: "c" }, index: false },
      { namespace: ["d"], key: "5", value: null },
    ]);
    expect(embeddings.documents).toEqual([['"a"', '"b"']]);
    const queries = ["a", "a", "b"].map((query) => ({ namespacePrefix: ["d"], query }));
    await store.batch(queries);
    expect(embeddings.queries).toEqual(["a", "b"]);
  });

  it("that fails, or gives something else than vectors, stores nothing", async () => {
    const failures: [EmbeddingsInterface["embedDocuments"], RegExp][] = [
      [() => Promise.reject(new Error("quota")), /quota/],
      [() => Promise.resolve([]), /expected as many vectors/],
      [(texts) => Promise.resolve(texts.map(() => [1, 2])), /expected 4 finite numbers/],
      [(texts) => Promise.resolve(texts.map(() => [1, 2, 3, Number.NaN])), /finite numbers/],
    ];
    for (const [embedDocuments, message] of failures) {
      const embeddings = { embedDocuments, embedQuery: () => Promise.resolve([]) };
      const { store, collectionName } = openStore({ embeddings });
      const operations = [
        { namespace: ["d"], key: "1", value: { text: "a" } },
        { namespace: ["d"], key: "2", value: { text: "b" }, index: false as const },
      ];
      await expect(store.batch(operations)).rejects.toThrow(message);
      expect(await database.collection(collectionName).countDocuments()).toBe(0);
      await expect(store.search([], { query: "a" })).rejects.toThrow(InvalidOptionsError);
    }
  });

  it("takes the same texts as the official store, and paths as LangGraph writes them", async () => {
    const puts = [
      { namespace: ["d"], key: "1", value: { title: "t", body: "b" } },
      { namespace: ["d"], key: "2", value: { title: "t", body: "b" }, index: ["title"] },
    ];
    const indexConfig = { name: "v", dims: 4 };
    const theirs = new LetterEmbeddings();
    const official = database.openOfficial({ embeddings: theirs, indexConfig });
    await official.batch(puts);
    const { store, embeddings } = openStore({ indexConfig });
    await store.batch(puts);
    expect(embeddings.documents).toEqual(theirs.documents);
    const value = {
      meta: { title: "t" },
      chapters: [{ text: "1" }, { text: "2" }],
      tags: ["x", "y"],
    };
    await store.put(["d"], "3", value, ["meta.title", "chapters[*].text", "tags[-1]", "none"]);
    expect(embeddings.documents.at(-1)).toEqual([
      JSON.stringify({ "meta.title": "t", "chapters[*].text": ["1", "2"], "tags[-1]": "y" }),
    ]);
  });

  it("lies where the official store keeps it", async () => {
    const documents: unknown[] = [];
    for (const name of ["theirs", "ours"] as const) {
      const settings = {
        collectionName: `layout_${name}`,
        embeddings: new LetterEmbeddings(),
        indexConfig: { name: "v", dims: 4, path: "vectors" },
      };
      const store =
        name === "ours"
          ? database.openStore({ ...settings, onEvent: () => {} })
          : database.openOfficial(settings);
      await store.put(["a", "b"], "k", { text: "abc" });
      const document = await database.collection(settings.collectionName).findOne();
      documents.push([document?.["vectors"], document?.["namespacePath"]]);
    }
    expect(documents[1]).toEqual(documents[0]);
    expect(documents[0]).toEqual([
      [1, 1, 1, 0],
      ["a", "a/b"],
    ]);
  });
});

describe("a query that cannot be answered is refused", () => {
  it("without an indexConfig", async () => {
    const error: unknown = await database
      .openStore()
      .search([], { query: "a" })
      .catch((thrown: unknown) => thrown);
    expect(InvalidOptionsError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ message: expect.stringContaining("indexConfig") as string });
  });

  it("where the server would have to embed and cannot", async () => {
    const indexConfig = { name: "v", model: "voyage-4", path: "value.text" };
    const store = database.openStore({ indexConfig });
    await store.put(["d"], "k", { text: "a" });
    await expect(store.search(["d"], { query: "a" })).rejects.toThrow(/auto-embed/);
    expect(await store.search(["d"])).toHaveLength(1);
  });
});

function rate(similarity: SimilarityFunction, query: string, text: string): number {
  const [a, b] = [countLetters(query), countLetters(text)];
  const dot = a.reduce((sum, one, index) => sum + one * b[index]!, 0);
  const length = (vector: number[]) => Math.hypot(...vector);
  switch (similarity) {
    case "cosine":
      return (1 + dot / (length(a) * length(b))) / 2;
    case "dotProduct":
      return (1 + dot) / 2;
    case "euclidean":
      return 1 / (1 + length(a.map((one, index) => one - b[index]!)) ** 2);
  }
}
