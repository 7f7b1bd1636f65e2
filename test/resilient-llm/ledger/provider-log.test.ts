import {
  type CallJournal,
  type CostReports,
  InMemoryCallJournal,
  ResilientChatModel,
} from "@threadkeep/resilient-llm";
import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, inject, it, onTestFinished, vi } from "vitest";
import { collectStream } from "../journal/collect-stream.ts";
import { makeMortal } from "../journal/journal-wrappers.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";
import * as replies from "../testing/replies.ts";
import { inMemory, useLedgerDatabase } from "./ledgers.ts";
import { addBilled, billRequests, PART, type Treatment, WHOLE } from "./metered-provider.ts";

const database = useLedgerDatabase();
const names: Readonly<Record<string, string>> = {
  "first-model": "first",
  "second-model": "second",
};
const fixture = fileURLToPath(new URL("killed.fixture.ts", import.meta.url));

/** What a ledger has booked, as `addBilled` says it of a provider's log. */
async function addBooked(ledger: CostReports): Promise<Record<string, readonly number[]>> {
  const sums = await ledger.byModel();
  return Object.fromEntries(
    sums.map(
      (sum) => [String(sum.key), [sum.attempts, sum.inputTokens, sum.outputTokens]] as const,
    ),
  );
}

describe.each([inMemory(), database])("$name", ({ openNew }) => {
  it("the ledger equals the provider's log to the token, over failures, breaks, retries and fallbacks", async () => {
    const ledger = openNew();
    const [first, second] = [await startServer(), await startServer()];
    // The first model fails until the second one is asked, breaks off, or answers, by turns.
    const turns: readonly Treatment[] = ["answers", "breaks", "answers", "fails", "breaks"];
    const logs = [
      billRequests(first, ({ index, streaming }) => {
        if (index % 9 > 5) return "fails";
        return streaming ? (turns[index % turns.length] ?? "answers") : "answers";
      }),
      billRequests(second, ({ index, streaming }) =>
        index % 3 === 1 && streaming ? "breaks" : "answers",
      ),
    ];
    const { events, model } = createModel([first, second], {
      ledger,
      retry: { maxRetries: 1 },
      breaker: { minimumAttempts: 1_000, windowSize: 1_000 },
      fallback: { stickyMs: 0 },
    });
    const threads = ["a", "b", "c"];
    const call = async (index: number): Promise<void> => {
      const configurable = {
        thread_id: threads[index % 3],
        user_id: index % 2 ? "ada" : "bob",
        run_id: `run-${index % 4}`,
      };
      const { whole } =
        index % 4 === 0
          ? { whole: await model.invoke("Why?", { configurable }) }
          : await collectStream(model.stream("Why?", { configurable }));
      expect(whole.text).toBe(WHOLE);
    };
    for (let index = 0; index < 24; index += 4) {
      await Promise.all([0, 1, 2, 3].map((offset) => call(index + offset)));
    }
    const types = new Set(events.map(({ type }) => type));
    expect(types).toContain("retry");
    expect(types).toContain("fallback");
    expect(types).toContain("stream-continued");

    // The ledger calls models by their names in the chain.
    const billed = logs.flat().map(({ inputTokens, model: asked, outputTokens }) => ({
      model: names[asked] ?? "",
      inputTokens,
      outputTokens,
    }));
    expect(await addBooked(ledger)).toEqual(addBilled(billed));
    const total = await ledger.total();
    expect(model.costs.snapshot()).toMatchObject(total);
    expect(total.calls).toBe(24);
    const { byThread, byRun } = model.costs.snapshot();
    const named = async (sums: ReturnType<typeof ledger.byThread>) =>
      Object.fromEntries((await sums).map(({ key, ...totals }) => [String(key), totals] as const));
    expect(await named(ledger.byThread())).toEqual(byThread);
    expect(await named(ledger.byRun())).toEqual(byRun);
    const users = (await ledger.byUser()).map(({ key }) => key);
    expect(new Set(users)).toEqual(new Set(["ada", "bob"]));
  });

  it("an entry whose reply was lost is booked again, and counts once", async () => {
    const ledger = openNew();
    const book = ledger.book.bind(ledger);
    let bookings = 0;
    ledger.book = async (entry) => {
      await book(entry);
      bookings += 1;
      if (bookings === 1) throw new Error("the connection broke before the reply");
    };
    const server = await startServer(replies.answer("Yes."));
    const { events, model } = createModel([server], { ledger });
    expect((await model.invoke("Really?")).text).toBe("Yes.");
    expect(events).toContainEqual(
      expect.objectContaining({ type: "ledger-failed", operation: "book" }),
    );
    await vi.waitFor(() => expect(bookings).toBe(2), { timeout: 10_000 });
    expect(await ledger.total()).toMatchObject({ calls: 1, attempts: 1, inputTokens: 10 });
  });

  it("what a process has booked before it died is not booked again by the one that goes on", async () => {
    const ledger = openNew();
    const kept = new InMemoryCallJournal();
    const mortal = makeMortal(kept);
    const server = await startServer();
    const log = billRequests(server, ({ index }) => (index === 0 ? "breaks" : "answers"));
    const ask = (store: CallJournal, maxRetries: number) => {
      const journal = { store, everyTokens: 1, leaseMs: 100, timeoutMs: 50 };
      const { events, model } = createModel([server], { journal, ledger, retry: { maxRetries } });
      // It dies when it has booked the attempt, and before the journal knows.
      model.subscribe(({ type }) => {
        if (type === "attempt-failed") mortal.die();
      });
      const call = { configurable: { thread_id: "t1" }, journal: { task: "answer" } };
      return { answer: collectStream(model.stream("Why?", call)), events };
    };
    await rejection(ask(mortal, 0).answer);
    const { answer, events } = ask(kept, 3);
    expect((await answer).whole.text).toBe(WHOLE);
    expect(events.map(({ type }) => type)).toContain("journal-resumed");
    const { attempts, inputTokens, outputTokens } = await ledger.total();
    expect({ "first-model": [attempts, inputTokens, outputTokens] }).toEqual(addBilled(log));
  });

  it("an answer is handed out although the ledger does not answer", async () => {
    const ledger = openNew();
    ledger.book = () => new Promise(() => {});
    const server = await startServer(replies.answer("Yes."));
    const { events, model } = createModel([server], { ledger: { store: ledger, timeoutMs: 20 } });
    expect((await model.invoke("Really?")).text).toBe("Yes.");
    expect(events.map(({ type }) => type)).toContain("ledger-failed");
  });

  it("an answer is in the ledger before a reader has the end of it", async () => {
    const ledger = openNew();
    const server = await startServer(replies.answer("Yes."));
    const { model } = createModel([server], { ledger });
    await model.invoke("Really?");
    expect((await ledger.total()).attempts).toBe(1);
    let booked = 0;
    for await (const chunk of await model.stream("Really?")) {
      const { resilience } = chunk.response_metadata as { resilience?: object };
      if (resilience) booked = (await ledger.total()).attempts;
    }
    expect(booked).toBe(2);
  });
});

it("a process that is killed and the one that goes on have booked what the provider has billed", async () => {
  const server = await startServer();
  const treatments: readonly Treatment[] = ["answers", "fails", "breaks", "answers", "hangs"];
  const log = billRequests(server, ({ index }) => treatments[index] ?? "answers");
  const { dbName, entries } = database;
  const child = spawn(
    process.execPath,
    [
      "--conditions=@threadkeep/source",
      "--no-warnings",
      fixture,
      inject("mongodbUri"),
      dbName,
      server.baseURL,
    ],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  // All that the provider has said of the third answer is in the journal.
  const calls = database.client.db(dbName).collection("threadkeep_calls");
  await vi.waitFor(
    async () => {
      const entry = await calls.findOne({ kind: "periodic", thread_id: "killed" });
      const pieces = (entry?.["pieces"] ?? []) as { readonly text: string }[];
      expect(pieces.map(({ text }) => text).join("")).toBe(PART);
    },
    { timeout: 20_000, interval: 30 },
  );
  child.kill("SIGKILL");
  await once(child, "close");
  expect(await entries.countDocuments({})).toBe(4);

  const ledger = database.open();
  const model = new ResilientChatModel({
    models: [{ model: "first-model", pricing: { inputPerMillionUsd: 1, outputPerMillionUsd: 10 } }],
    baseURL: server.baseURL,
    apiKey: "none",
    journal: new MongoDBCallJournal({ client: database.client, dbName }),
    ledger: { store: ledger, budget: { perThread: { maxCostUsd: 1 } } },
  });
  for (const task of ["one", "two", "three"]) {
    const options = { configurable: { thread_id: "killed" }, journal: { task } };
    expect((await collectStream(model.stream("Why?", options))).whole.text).toBe(WHOLE);
  }
  // The first two were replayed. Of the third, the rest was asked for.
  expect(log).toHaveLength(6);
  expect(await addBooked(ledger)).toEqual(addBilled(log));
  const { costUsd, inputTokens, outputTokens } = await ledger.total({ threadId: "killed" });
  const budget = await database.budgets.findOne({ _id: "thread/ever/killed" as never });
  expect(budget).toMatchObject({
    spent_pico_usd: costUsd * 1e12,
    spent_tokens: inputTokens + outputTokens,
    reserved: [],
  });
});
