import { InMemoryCostLedger, InvalidOptionsError } from "@threadkeep/resilient-llm";
import { MongoDBCostLedger } from "@threadkeep/resilient-llm/mongo";
import { setTimeout as delay } from "node:timers/promises";
import { MongoClient } from "mongodb";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { budgetOf, entryOf, inMemory, useLedgerDatabase } from "./ledgers.ts";

const HOLD_MS = 60_000;

const usd = (costUsd: number) => ({ costUsd, tokens: 0 });

/** A request that costs what it may cost at most. */
const costing = (costUsd: number, id: string = crypto.randomUUID(), holdMs = HOLD_MS) => ({
  id,
  holdMs,
  forecast: { upper: usd(costUsd), least: usd(costUsd) },
});

const database = useLedgerDatabase();

describe.each([inMemory(), database])("$name", ({ openNew }) => {
  it("an entry that is booked again is booked once, also at the same moment", async () => {
    const ledger = openNew();
    const entry = entryOf();
    await Promise.all([ledger.book(entry), ledger.book(entry), ledger.book(entry)]);
    await ledger.book({ ...entry, costUsd: 5 });
    expect(await ledger.total()).toEqual({
      calls: 1,
      attempts: 1,
      inputTokens: 100,
      cachedInputTokens: 40,
      cacheWriteInputTokens: 7,
      outputTokens: 20,
      reasoningTokens: 5,
      costUsd: 0.1,
      reportedCostUsd: 0,
      unpricedAttempts: 0,
      estimatedAttempts: 0,
    });
  });

  it("sums are exact in dollars: they do not drift as sums of fractions do", async () => {
    const ledger = openNew();
    const prices = [0.1, 0.2, 0.000_000_075, 12_345.678_901_234_5];
    await Promise.all(prices.map((costUsd) => ledger.book(entryOf({ costUsd }))));
    // As fractions, they add up to 12345.978901309501.
    expect((await ledger.total()).costUsd).toBe(12_345.978_901_309_5);
  });

  it("costs are told by thread, run, user, model and day, and what belongs to none is told too", async () => {
    const ledger = openNew();
    const ada = { threadId: "t1", runId: "r1", userId: "ada" };
    const nobody = { threadId: undefined, runId: undefined };
    await ledger.book(entryOf({ spender: ada, model: "a", costUsd: 1 }));
    await ledger.book(entryOf({ spender: ada, model: "b", costUsd: 2, opensCall: false }));
    await ledger.book(entryOf({ spender: { ...ada, threadId: "$t2" }, model: "b", costUsd: 4 }));
    await ledger.book(
      entryOf({ spender: nobody, model: "c", costUsd: undefined, costSource: undefined }),
    );
    await ledger.book(entryOf({ spender: nobody, model: "c", costUsd: 8, costSource: "provider" }));
    const today = new Date().toISOString().slice(0, 10);
    const read = async (sums: ReturnType<typeof ledger.byThread>) =>
      (await sums).map(({ attempts, costUsd, key }) => [key, attempts, costUsd]);
    expect(await read(ledger.byThread())).toEqual([
      [undefined, 2, 8],
      ["$t2", 1, 4],
      ["t1", 2, 3],
    ]);
    expect(await read(ledger.byRun())).toEqual([
      [undefined, 2, 8],
      ["r1", 3, 7],
    ]);
    expect(await read(ledger.byUser({ userId: "ada" }))).toEqual([["ada", 3, 7]]);
    expect(await read(ledger.byModel({ limit: 2 }))).toEqual([
      ["c", 2, 8],
      ["b", 2, 6],
    ]);
    expect(await read(ledger.byDay())).toEqual([[today, 5, 15]]);
    expect(await ledger.total()).toMatchObject({
      calls: 4,
      unpricedAttempts: 1,
      reportedCostUsd: 8,
    });
    expect((await ledger.total({ threadId: "t1", model: "b" })).costUsd).toBe(2);
  });

  it("a range ends before its end, and a query that cannot be meant is refused", async () => {
    const ledger = openNew();
    await ledger.book(entryOf({ costUsd: 1 }));
    await delay(5);
    const between = new Date();
    await delay(5);
    await ledger.book(entryOf({ costUsd: 2 }));
    expect((await ledger.total({ to: between })).costUsd).toBe(1);
    expect((await ledger.total({ from: between })).costUsd).toBe(2);
    await expect(ledger.total({ from: between, to: between })).rejects.toThrow("from before to");
    await expect(ledger.byDay({ form: between } as never)).rejects.toThrow(InvalidOptionsError);
    await expect(ledger.byDay({ from: "yesterday" as never })).rejects.toThrow("a valid Date");
    await expect(ledger.sum("week" as never)).rejects.toThrow("dimension");
  });

  it("many who ask at once get no more of a budget than there is", async () => {
    const ledger = openNew();
    const budget = budgetOf(1);
    const asked = await Promise.all(
      Array.from({ length: 20 }, () => ledger.reserve(budget, costing(0.15))),
    );
    const verdicts = asked.map(({ verdict }) => verdict);
    expect(verdicts.filter((verdict) => verdict === "reserved")).toHaveLength(6);
    expect(verdicts.filter((verdict) => verdict === "wait")).toHaveLength(14);
    expect((await ledger.read(budget)).reserved.costUsd).toBe(0.9);
  });

  it("a reservation is settled once, and what it did not need is free", async () => {
    const ledger = openNew();
    const budget = budgetOf(1);
    expect(await ledger.reserve(budget, costing(0.8, "one"))).toMatchObject({
      verdict: "reserved",
      reserved: { costUsd: 0.8 },
    });
    expect((await ledger.reserve(budget, costing(0.8, "one"))).verdict).toBe("reserved");
    expect((await ledger.reserve(budget, costing(0.3, "two"))).verdict).toBe("wait");
    expect(await ledger.settle(budget, "one", { costUsd: 0.3, tokens: 7 })).toEqual({
      before: { costUsd: 0, tokens: 0 },
      after: { costUsd: 0.3, tokens: 7 },
    });
    expect(await ledger.settle(budget, "one", { costUsd: 0.3, tokens: 7 })).toBeUndefined();
    expect(await ledger.read(budget)).toEqual({
      spent: { costUsd: 0.3, tokens: 7 },
      reserved: { costUsd: 0, tokens: 0 },
    });
    expect((await ledger.reserve(budget, costing(0.7))).verdict).toBe("reserved");
    expect((await ledger.reserve(budget, costing(0.71))).verdict).toBe("refused");
  });

  it("who is alone gets what is left, if that is enough for an answer of the usual length", async () => {
    const ledger = openNew();
    const budget = budgetOf(1, { limits: { maxCostUsd: 1, maxTokens: 100 } });
    const forecast = {
      upper: { costUsd: 5, tokens: 500 },
      least: { costUsd: 0.5, tokens: 50 },
    };
    const request = { id: "one", holdMs: HOLD_MS, forecast };
    expect(await ledger.reserve(budget, request)).toMatchObject({
      verdict: "reserved",
      reserved: { costUsd: 1, tokens: 100 },
    });
    await ledger.settle(budget, "one", { costUsd: 0.2, tokens: 51 });
    expect((await ledger.reserve(budget, { ...request, id: "two" })).verdict).toBe("refused");
  });

  it("the reservation of a process that died expires, and one that is renewed does not", async () => {
    const ledger = openNew();
    const budget = budgetOf(1);
    await ledger.reserve(budget, costing(0.5, "dead", 50));
    await ledger.reserve(budget, costing(0.5, "alive", 50));
    await ledger.renew(budget, "alive", HOLD_MS);
    await delay(100);
    expect((await ledger.read(budget)).reserved.costUsd).toBe(0.5);
    expect((await ledger.reserve(budget, costing(0.5))).verdict).toBe("reserved");
    // It was only slow. What it has cost counts all the same.
    expect((await ledger.settle(budget, "dead", usd(0.4)))?.after.costUsd).toBe(0.4);
    expect((await ledger.reserve(budget, costing(0.5))).verdict).toBe("wait");
  });

  it("a budget that is new counts what was spent before, of its thread and in its period", async () => {
    const ledger = openNew();
    const spender = { threadId: "t1", runId: undefined };
    await ledger.book(entryOf({ spender, costUsd: 0.7 }));
    await ledger.book(entryOf({ costUsd: 0.6 }));
    const counts = { threadId: "t1" };
    const ofThread = budgetOf(1, { counts });
    expect((await ledger.read(ofThread)).spent).toEqual({ costUsd: 0.7, tokens: 120 });
    expect((await ledger.reserve(ofThread, costing(0.4))).verdict).toBe("refused");
    const ofDay = budgetOf(2, { period: "day" });
    expect((await ledger.read(ofDay)).spent.costUsd).toBe(1.3);
  });
});

it.each([{ useBigInt64: true }, { promoteValues: false }])(
  "a client that reads numbers in its own way makes no difference: %o",
  async (options) => {
    const client = new MongoClient(inject("mongodbUri"), options);
    onTestFinished(() => client.close());
    const names = {
      collectionName: `costs_${JSON.stringify(options)}`,
      budgetCollectionName: `budgets_${JSON.stringify(options)}`,
    };
    const ledger = new MongoDBCostLedger({ client, dbName: database.dbName, ...names });
    // More than 53 bits and 32 bits hold.
    const costUsd = 12_345.5;
    const usage = { ...entryOf().usage, inputTokens: 5_000_000_000 };
    await ledger.book(entryOf({ costUsd, usage }));
    const sum = { costUsd, inputTokens: 5_000_000_000, calls: 1 };
    expect(await ledger.total()).toMatchObject(sum);
    const budget = budgetOf(20_000);
    await ledger.reserve(budget, costing(3_000.5, "one"));
    expect(await ledger.read(budget)).toEqual({
      spent: { costUsd, tokens: 5_000_000_020 },
      reserved: usd(3_000.5),
    });
  },
);

const DAY_MS = 86_400_000;

describe("a budget for a day", () => {
  const ofDay = budgetOf(1, { period: "day" });

  it.each([
    {
      name: "InMemoryCostLedger",
      start: () => {
        let nowMs = Date.parse("2026-11-27T23:59:59Z");
        const clock = { now: () => nowMs, setTimer: () => () => undefined };
        return {
          ledger: new InMemoryCostLedger(clock),
          passMidnight: async () => {
            nowMs += 2_000;
          },
        };
      },
    },
    {
      name: "MongoDBCostLedger",
      start: () => {
        const { budgets, client, dbName } = database;
        return {
          ledger: new MongoDBCostLedger({ client, dbName }),
          // To the server it is as if the budget had been used yesterday.
          passMidnight: async () => {
            const today = Date.now() - (Date.now() % DAY_MS);
            const $set = { period_started_at: new Date(today - DAY_MS) };
            await budgets.updateOne({ _id: ofDay.id as never }, { $set });
          },
        };
      },
    },
  ])("is full again after midnight, and what is reserved stays so: $name", async ({ start }) => {
    const { ledger, passMidnight } = start();
    await ledger.reserve(ofDay, costing(0.5, "ended"));
    await ledger.settle(ofDay, "ended", usd(0.5));
    await ledger.reserve(ofDay, costing(0.3, "under way"));
    await passMidnight();
    expect(await ledger.read(ofDay)).toEqual({ spent: usd(0), reserved: usd(0.3) });
    expect(await ledger.settle(ofDay, "under way", usd(0.2))).toEqual({
      before: usd(0),
      after: usd(0.2),
    });
  });
});
