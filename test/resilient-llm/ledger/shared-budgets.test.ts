import {
  BudgetExceededError,
  type LedgerBudgetOptions,
  LedgerUnavailableError,
  ResilientChatModel,
} from "@threadkeep/resilient-llm";
import { MongoDBCostLedger } from "@threadkeep/resilient-llm/mongo";
import { MongoClient } from "mongodb";
import { describe, expect, inject, it, onTestFinished, vi } from "vitest";
import type { FaultServer } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";
import { inMemory, useLedgerDatabase } from "./ledgers.ts";

/** What each answer uses. Its prompt is estimated at 6 tokens, too. */
const usage = { prompt_tokens: 6, completion_tokens: 5, total_tokens: 11 };
const USED = usage.total_tokens;

/** What is reserved for a request: a quarter more for the prompt, and the longest answer. */
const RESERVED = 13;

/** A model whose answers have 5 tokens at most. */
function modelsOf(server: FaultServer) {
  return [
    {
      model: "m",
      name: "m",
      baseURL: server.baseURL,
      maxOutputTokens: 5,
      pricing: { inputPerMillionUsd: 1, outputPerMillionUsd: 1 },
    },
  ];
}

const database = useLedgerDatabase();

it("20 processes that race for one budget do not exceed it, and use all of it that they can", async () => {
  const server = await startServer(replies.completion("Yes.", { usage }));
  const maxTokens = 10 * USED + 7;
  const answered = await Promise.all(
    Array.from({ length: 20 }, async () => {
      // A client of its own and nothing in common, as processes have it.
      const client = new MongoClient(inject("mongodbUri"), { maxPoolSize: 2 });
      onTestFinished(() => client.close());
      const store = new MongoDBCostLedger({ client, dbName: database.dbName });
      const { model } = createModel([server], {
        models: modelsOf(server),
        ledger: { store, budget: { total: { maxTokens } } },
        retry: { deadlineMs: 3_000_000 },
      });
      const outcomes = [model.invoke("A?"), model.invoke("B?")].map((call) =>
        call.then(
          () => "answered",
          (error: unknown) => (BudgetExceededError.isInstance(error) ? "refused" : error),
        ),
      );
      return await Promise.all(outcomes);
    }),
  );
  const counts = Map.groupBy(answered.flat(), (outcome) => outcome);
  expect(new Set(counts.keys())).toEqual(new Set(["answered", "refused"]));
  expect(server.requests).toHaveLength(counts.get("answered")?.length ?? 0);
  const { inputTokens, outputTokens } = await database.open().total();
  expect(inputTokens + outputTokens).toBe(server.requests.length * USED);
  expect(inputTokens + outputTokens).toBeLessThanOrEqual(maxTokens);
  // With so little left, nothing more could have been asked.
  expect(inputTokens + outputTokens).toBeGreaterThan(maxTokens - RESERVED);
});

describe.each([inMemory(), database])("$name", ({ openNew }) => {
  const askWith = async (budget: LedgerBudgetOptions) => {
    const store = openNew();
    const server = await startServer(replies.completion("Yes.", { usage }));
    const ledger = { store, budget };
    const { events, model } = createModel([server], { models: modelsOf(server), ledger });
    const ask = (configurable: Record<string, string> = {}) =>
      model.invoke("Really?", { configurable });
    return { ask, events, ledger, model, server, store };
  };

  it.each([
    { scope: "perThread", own: { thread_id: "a" }, other: { thread_id: "b" } },
    { scope: "perRun", own: { run_id: "a" }, other: { run_id: "b" } },
    { scope: "perUser", own: { user_id: "a" }, other: { user_id: "b" } },
  ])("a budget $scope that is used up refuses before a request is sent", async (given) => {
    const { own, other, scope } = given;
    const { ask, server } = await askWith({ [scope]: { maxTokens: 20 } });
    await ask(own);
    const error = await rejection(ask(own));
    expect(BudgetExceededError.isInstance(error)).toBe(true);
    expect(String(error)).toMatch(/"a", by the ledger: 9 of 20 tokens are left/);
    expect(server.requests).toHaveLength(1);
    await ask(other);
    await ask();
    expect(server.requests).toHaveLength(3);
  });

  it("each of several budgets is kept to, and a refusal of one holds nothing of the others", async () => {
    const { ask, server, store } = await askWith({
      perUser: { maxTokens: 1_000, period: "day" },
      perDay: { maxCostUsd: 1 },
      total: { maxTokens: 20 },
    });
    await ask({ user_id: "ada" });
    await expect(ask({ user_id: "ada" })).rejects.toThrow("All calls, by the ledger: 9 of 20");
    expect(server.requests).toHaveLength(1);
    const ofAda = {
      id: "user/day/ada",
      name: "",
      limits: {},
      period: "day" as const,
      counts: { userId: "ada" },
    };
    expect(await store.read(ofAda)).toEqual({
      spent: { costUsd: 0.000011, tokens: USED },
      reserved: { costUsd: 0, tokens: 0 },
    });
  });

  it("tells once of 50, 80 and 100 %, whichever process it is that reaches them", async () => {
    const { ask, events, ledger, server } = await askWith({ total: { maxTokens: 38 } });
    const other = createModel([server], { models: modelsOf(server), ledger });
    await ask();
    await other.model.invoke("Really?");
    await ask();
    const read = (heard: typeof events) =>
      heard.flatMap((event) => (event.type === "budget-reached" ? [event.percent] : []));
    expect(read(events)).toEqual([80]);
    expect(read(other.events)).toEqual([50]);
  });

  it("a failed request gives back what it had reserved", async () => {
    const { model, server, store } = await askWith({ total: { maxTokens: 1_000 } });
    server.play(replies.error(400));
    await rejection(model.invoke("Really?"));
    const total = { id: "all/ever", name: "", limits: {}, period: undefined, counts: {} };
    await vi.waitFor(async () => expect((await store.read(total)).reserved.tokens).toBe(0));
  });

  it("without the ledger nothing is asked, or everything, as the option says", async () => {
    const { ask, ledger, model, server, store } = await askWith({ total: { maxTokens: 1_000 } });
    store.reserve = () => Promise.reject(new Error("no connection"));
    const error = await rejection(ask());
    expect(LedgerUnavailableError.isInstance(error)).toBe(true);
    expect(server.requests).toHaveLength(0);
    const budget: LedgerBudgetOptions = { ...ledger.budget, onUnavailable: "allow" };
    const lenient = createModel([server], {
      models: modelsOf(server),
      ledger: { ...ledger, budget },
    });
    await lenient.model.invoke("Really?");
    expect(server.requests).toHaveLength(1);
    expect(lenient.events.map(({ type }) => type)).toContain("ledger-failed");
    expect(model.costs.snapshot().attempts).toBe(0);
  });

  it("a model whose price is not known is not asked under a limit in dollars", async () => {
    const store = openNew();
    const server = await startServer(replies.completion("Yes.", { usage }));
    const { model } = createModel([server], {
      models: [{ model: "unheard-of", baseURL: server.baseURL }],
      ledger: { store, budget: { total: { maxCostUsd: 1 } } },
    });
    await expect(model.invoke("Really?")).rejects.toThrow("ledger.budget.onUnknownPrice");
    expect(server.requests).toHaveLength(0);
  });
});

it("an entry counts in a budget although its process died before it settled", async () => {
  const client = database.client;
  const names = { collectionName: "died_costs", budgetCollectionName: "died_budgets" };
  const open = () => new MongoDBCostLedger({ client, dbName: database.dbName, ...names });
  const server = await startServer(replies.completion("Yes.", { usage }));
  const dying = open();
  // It books its entry, and then it is as if it were not there any more.
  dying.settle = () => new Promise(() => {});
  const budget = { total: { maxTokens: 24 } };
  const ask = (store: MongoDBCostLedger) =>
    createModel([server], {
      models: modelsOf(server),
      ledger: { store, budget, reservationMs: 500, timeoutMs: 300 },
    }).model.invoke("Really?");
  dying.renew = () => Promise.resolve();
  await ask(dying);
  const total = { id: "all/ever", name: "", limits: {}, period: undefined, counts: {} };
  await vi.waitFor(async () => expect((await open().read(total)).reserved.tokens).toBe(0), {
    timeout: 5_000,
    interval: 100,
  });
  await ask(open());
  expect((await open().read(total)).spent.tokens).toBe(2 * USED);
  await expect(ask(open())).rejects.toThrow("2 of 24 tokens are left");
});

it("options that cannot be used are refused, with where they are", () => {
  const create = (ledger: unknown) => () =>
    new ResilientChatModel({ models: ["m"], apiKey: "k", ledger: ledger as never });
  expect(create({ budgets: {} })).toThrow(/ledger\.store: expected an object with the methods/);
  const store = database.open();
  expect(create({ store, budget: { perThreads: {} } })).toThrow(/did you mean .*perThread/s);
  expect(create({ store, budget: { total: { maxCostUsd: -1 } } })).toThrow("ledger.budget.total");
  expect(
    () =>
      new MongoDBCostLedger({
        client: database.client,
        collectionName: "a",
        budgetCollectionName: "a",
      }),
  ).toThrow("another collection than collectionName");
});
