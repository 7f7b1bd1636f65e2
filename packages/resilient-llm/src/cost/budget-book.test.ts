import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  BudgetBook,
  type BudgetClock,
  type BudgetOptions,
  type ReservationRequest,
} from "./budget-book.ts";
import type { BudgetNotice, Expense, Refusal, Reservation } from "./budget.ts";

/** A clock that stands still until it is told to go on. */
class ManualClock implements BudgetClock {
  #nowMs = 0;
  readonly timers: { readonly atMs: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  setTimer(callback: () => void, delayMs: number): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.timers.push(timer);
    return () => {
      const index = this.timers.indexOf(timer);
      if (index !== -1) this.timers.splice(index, 1);
    };
  }

  advanceTo(nowMs: number): void {
    this.#nowMs = nowMs;
    for (const timer of this.timers.filter(({ atMs }) => atMs <= nowMs)) {
      this.timers.splice(this.timers.indexOf(timer), 1);
      timer.callback();
    }
  }
}

const NOBODY = { threadId: undefined, runId: undefined };

function tokens(count: number): Expense {
  return { tokens: count, costUsd: count };
}

const PAYER = { id: "key", source: "OPENAI_API_KEY" };

function createBook(given: BudgetOptions, clock: BudgetClock = new ManualClock()) {
  const notices: BudgetNotice[] = [];
  return { book: new BudgetBook(given, clock, (notice) => notices.push(notice)), notices };
}

function request(upper: number, options: Partial<ReservationRequest> = {}): ReservationRequest {
  return {
    spender: NOBODY,
    payer: PAYER,
    model: "a",
    forecast: () => ({ upper: tokens(upper), least: tokens(upper) }),
    wait: { clock: new ManualClock(), deadlineMs: Infinity, signal: undefined },
    ...options,
  };
}

type Granted = Reservation | Refusal;

function reserveNow(book: BudgetBook, asked: ReservationRequest): Reservation {
  const granted = book.reserve(asked);
  if (granted instanceof Promise || "refusal" in granted) throw new Error("Expected room");
  return granted;
}

it("a call waits for reservations to settle, and is refused at once where that would not help", async () => {
  const { book } = createBook({ maxTokens: 100 });
  const open = reserveNow(book, request(80));
  expect(book.reserve(request(101))).toEqual({
    refusal: "The model's budget: 20 of 100 tokens are left and the next attempt may use 101",
  });
  const waiting = book.reserve(request(50)) as Promise<Granted>;
  expect(waiting).toBeInstanceOf(Promise);
  open.settle(tokens(10));
  expect(await waiting).not.toHaveProperty("refusal");
});

it("a wait ends with a refusal when so much was spent that there will be no room", async () => {
  const { book } = createBook({ maxTokens: 100 });
  const open = reserveNow(book, request(80));
  const waiting = book.reserve(request(50)) as Promise<Granted>;
  open.settle(tokens(60));
  expect(await waiting).toEqual({
    refusal: "The model's budget: 40 of 100 tokens are left and the next attempt may use 50",
  });
});

it("who came first is served first, however little the next one needs", async () => {
  const { book } = createBook({ maxTokens: 100 });
  const open = [reserveNow(book, request(50)), reserveNow(book, request(40))];
  const served: string[] = [];
  const large = Promise.resolve(book.reserve(request(60))).then((granted) => {
    served.push("large");
    return granted as Reservation;
  });
  const small = Promise.resolve(book.reserve(request(10))).then(() => served.push("small"));
  open[0]?.settle(tokens(0));
  (await large).settle(tokens(0));
  await small;
  expect(served).toEqual(["large", "small"]);
});

it("a wait ends with the deadline, and leaves neither a timer nor a listener behind", async () => {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  const listeners = countListeners(signal);
  const { book } = createBook({ maxTokens: 100 });
  const open = reserveNow(book, request(80));
  const wait = { clock, deadlineMs: 1000, signal };
  const late = book.reserve(request(50, { wait })) as Promise<Granted>;
  const lucky = book.reserve(request(20, { wait: { ...wait, deadlineMs: 5000 } }));
  expect(listeners()).toBe(2);
  clock.advanceTo(1000);
  expect(await late).toEqual({
    refusal:
      "The model's budget: 20 of 100 tokens are left and the next attempt may use 50;" +
      " what other calls had reserved was not settled in time",
  });
  // It had only waited for its turn.
  expect(await lucky).not.toHaveProperty("refusal");
  expect(clock.timers).toEqual([]);
  expect(listeners()).toBe(0);
  open.settle(tokens(80));
});

it("an abort ends a wait with its reason and lets the next one go on", async () => {
  const { book } = createBook({ maxTokens: 100 });
  reserveNow(book, request(80));
  const controller = new AbortController();
  const listeners = countListeners(controller.signal);
  const clock = new ManualClock();
  const wait = { clock, deadlineMs: 1000, signal: controller.signal };
  const aborted = book.reserve(request(50, { wait }));
  const next = book.reserve(request(20));
  controller.abort(new Error("enough"));
  await expect(aborted).rejects.toThrow("enough");
  expect(await next).not.toHaveProperty("refusal");
  expect(clock.timers).toEqual([]);
  expect(listeners()).toBe(0);
});

it("a call that may not wait is refused", () => {
  const { book } = createBook({ maxTokens: 100 });
  reserveNow(book, request(80));
  expect(book.reserve(request(50, { wait: undefined }))).toHaveProperty("refusal");
});

it("alone with a budget, an answer of unknown length gets what is left", () => {
  const { book } = createBook({ maxTokens: 2000 });
  const forecast = () => ({ upper: tokens(4096), least: tokens(200) });
  reserveNow(book, request(0, { forecast })).settle(tokens(1900));
  expect(book.reserve(request(0, { forecast }))).toEqual({
    refusal: "The model's budget: 100 of 2000 tokens are left and the next attempt may use 200",
  });
});

it("a thread that waits holds up no other", () => {
  const { book } = createBook({ perThread: { maxTokens: 100 } });
  const of = (threadId: string) => ({ spender: { threadId, runId: undefined } });
  reserveNow(book, request(80, of("one")));
  expect(book.reserve(request(50, of("one")))).toBeInstanceOf(Promise);
  reserveNow(book, request(50, of("two")));
});

it("each key has a budget for a day, and begins the next one with all of it", () => {
  const clock = new ManualClock();
  const { book } = createBook({ perKey: { period: "day", maxTokens: 100 } }, clock);
  const other = { payer: { id: "other", source: "the option apiKey" } };
  reserveNow(book, request(80)).settle(tokens(80));
  expect(book.reserve(request(50))).toEqual({
    refusal:
      "This day's budget of the key from OPENAI_API_KEY: 20 of 100 tokens are left and the next attempt may use 50",
  });
  reserveNow(book, request(50, other));
  clock.advanceTo(24 * 60 * 60 * 1000);
  reserveNow(book, request(50));
});

it("notices come when 50, 80 and 100 % of a limit are spent, once each", () => {
  const { book, notices } = createBook({ maxTokens: 100, maxCostUsd: 1000 });
  for (const used of [49, 1, 10, 35, 5]) reserveNow(book, request(used)).settle(tokens(used));
  expect(notices).toMatchObject([
    { budget: "The model's budget", percent: 50, tokens: 50, maxTokens: 100 },
    { percent: 80, tokens: 95 },
    { percent: 100, tokens: 100 },
  ]);
});

/** A call as the properties see it: who makes it, what it reserves, what it then takes. */
const call = fc.record({
  threadId: fc.constantFrom("one", "two", undefined),
  runId: fc.constantFrom("r", undefined),
  upper: fc.integer({ min: 1, max: 60 }),
  usedPerCent: fc.nat(100),
});
const options = fc.record({
  maxTokens: fc.option(fc.nat(200), { nil: undefined }),
  maxCostUsd: fc.option(fc.nat(200), { nil: undefined }),
  perThread: fc.option(fc.record({ maxTokens: fc.nat(150) }), { nil: undefined }),
  perRun: fc.option(fc.record({ maxCostUsd: fc.nat(150) }), { nil: undefined }),
});

interface Spent {
  readonly threadId: string | undefined;
  readonly runId: string | undefined;
  readonly amount: number;
}

/** Lets `calls` go at once and ends those under way in an order drawn from `order`. */
async function runAll(
  book: BudgetBook,
  calls: readonly {
    threadId: string | undefined;
    runId: string | undefined;
    upper: number;
    usedPerCent: number;
  }[],
  leastOf: (upper: number) => number,
  order: () => number,
): Promise<{ readonly spent: Spent[]; readonly answered: number }> {
  const open: { readonly reservation: Reservation; readonly spent: Spent }[] = [];
  const spent: Spent[] = [];
  let answered = 0;
  const asking = calls.map(async ({ threadId, runId, upper, usedPerCent }) => {
    const granted = await book.reserve(
      request(upper, {
        spender: { threadId, runId },
        forecast: () => ({ upper: tokens(upper), least: tokens(leastOf(upper)) }),
      }),
    );
    answered += 1;
    if ("refusal" in granted) return;
    const amount = Math.ceil((upper * usedPerCent) / 100);
    open.push({ reservation: granted, spent: { threadId, runId, amount } });
  });
  // A call that is never answered would keep this waiting; the test counts instead.
  void Promise.all(asking);
  for (;;) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    const [ended] = open.splice(order() % Math.max(1, open.length), 1);
    if (!ended) break;
    spent.push(ended.spent);
    ended.reservation.settle(tokens(ended.spent.amount));
  }
  return { spent, answered };
}

function sumWhere(spent: readonly Spent[], isMeant: (one: Spent) => boolean): number {
  return spent.filter(isMeant).reduce((sum, { amount }) => sum + amount, 0);
}

/** How far the spending went beyond the limits. */
function overshootOf(spent: readonly Spent[], given: BudgetOptions): number {
  const { maxTokens = Infinity, maxCostUsd = Infinity, perRun, perThread } = given;
  const total = sumWhere(spent, () => true) - Math.min(maxTokens, maxCostUsd);
  const ofThread = ["one", "two"].map(
    (name) =>
      sumWhere(spent, ({ threadId }) => threadId === name) - (perThread?.maxTokens ?? Infinity),
  );
  const ofRun = sumWhere(spent, ({ runId }) => runId === "r") - (perRun?.maxCostUsd ?? Infinity);
  return Math.max(0, total, ofRun, ...ofThread);
}

it("calls at once never overshoot any budget where their output has a limit, and all are answered", async () => {
  await fc.assert(
    fc.asyncProperty(
      options,
      fc.array(call, { maxLength: 25 }),
      fc.infiniteStream(fc.nat(1000)),
      async (given, calls, draws) => {
        const order = () => draws.next().value as number;
        const { answered, spent } = await runAll(
          createBook(given).book,
          calls,
          (upper) => upper,
          order,
        );
        expect(overshootOf(spent, given)).toBe(0);
        expect(answered).toBe(calls.length);
      },
    ),
  );
});

it("without a limit on the output, the overshoot is that of one answer at most", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ maxTokens: fc.nat(200) }),
      fc.array(call, { maxLength: 25 }),
      fc.infiniteStream(fc.nat(1000)),
      async (given, calls, draws) => {
        const order = () => draws.next().value as number;
        const { answered, spent } = await runAll(
          createBook(given).book,
          calls,
          (upper) => Math.ceil(upper / 4),
          order,
        );
        expect(overshootOf(spent, given)).toBeLessThanOrEqual(45);
        expect(answered).toBe(calls.length);
      },
    ),
  );
});

function countListeners(signal: AbortSignal): () => number {
  let count = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...parameters: Parameters<typeof add>) => {
    count += 1;
    add(...parameters);
  };
  signal.removeEventListener = (...parameters: Parameters<typeof remove>) => {
    count -= 1;
    remove(...parameters);
  };
  return () => count;
}

it("a budget in dollars is used up to its end: fractions do not add up to more than they are", async () => {
  const { book } = createBook({ maxCostUsd: 0.3 });
  const expense = { tokens: 1, costUsd: 0.1 };
  const forecast = () => ({ upper: expense, least: expense });
  for (let spent = 0; spent < 3; spent += 1) {
    const reserved = await book.reserve(request(0, { forecast }));
    expect(reserved).not.toHaveProperty("refusal");
    (reserved as Reservation).settle(expense);
  }
  expect(await book.reserve(request(0, { forecast }))).toHaveProperty("refusal");
});
