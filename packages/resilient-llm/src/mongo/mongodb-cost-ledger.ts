import type { Collection, Document, MongoClient } from "mongodb";
import type { Expense } from "../cost/budget.ts";
import { CostAccount, type CostTotals } from "../cost/cost-account.ts";
import type {
  BudgetState,
  CostDimension,
  CostFilter,
  CostLedger,
  CostQuery,
  CostSum,
  LedgerBudget,
  LedgerEntry,
  LedgerReservation,
  ReservationResult,
} from "../cost/cost-ledger.ts";
import { subtractAmounts, toAmount, toExpense } from "../cost/budget-room.ts";
import { checkQuery, DEFAULT_SUMS } from "../ledger/check-query.ts";
import { CostReports } from "../ledger/cost-reports.ts";
import {
  type BudgetDocument,
  findPeriodStart,
  openBudget,
  readSpent,
  readState,
  refreshBudget,
  renewInBudget,
  reserveInBudget,
  settleInBudget,
} from "./budget-document.ts";
import { type MongoDBCostLedgerOptions, resolveCostLedgerOptions } from "./cost-ledger-options.ts";
import { type EntryDocument, groupBy, insertEntry, matchEntries } from "./entry-document.ts";
import { ensureLedgerIndexes } from "./ledger-indexes.ts";
import { isDuplicateKeyError } from "./server-errors.ts";
import { sumEntries } from "./sum-entries.ts";
import { readWhole, type Whole } from "./whole-numbers.ts";

/** So many expired reservations are remembered. Forgetting them costs a look-up each. */
const MAX_MISSED = 10_000;

/** Two callers that create the same document at once can disturb each other. */
const ATTEMPTS = 3;

/**
 * A ledger on MongoDB: what all processes use and cost, and the budgets that they share. A request is one document,
 * stored by one command. A budget is one document too, and each request takes two commands more for each budget
 * that it has to keep to.
 *
 * @example
 * ```ts
 * import { MongoDBCostLedger } from "@threadkeep/resilient-llm/mongo";
 *
 * const ledger = new MongoDBCostLedger({ client, dbName: "agents" });
 * const model = new ResilientChatModel({
 *   models: ["gpt-4.1"],
 *   ledger: { store: ledger, budget: { perUser: { maxCostUsd: 1, period: "day" } } },
 * });
 * console.log(await ledger.byUser());
 * ```
 */
export class MongoDBCostLedger extends CostReports implements CostLedger {
  private readonly entries: Collection<EntryDocument>;
  private readonly budgets: Collection<BudgetDocument>;
  private readonly ttlMs: number | undefined;
  private setup: Promise<void> | undefined;
  /** Expired reservations for which no entry was found. */
  private readonly missed = new Set<string>();

  /** @throws InvalidOptionsError if options are wrong, missing or unknown */
  constructor(options: MongoDBCostLedgerOptions) {
    super();
    const resolved = resolveCostLedgerOptions(options);
    const db = (resolved.client as MongoClient).db(resolved.dbName);
    const settings = {
      writeConcern: { w: "majority" as const },
      readPreference: "primary" as const,
      // A client may have been told to read numbers as classes of its own.
      promoteValues: true,
      promoteLongs: true,
      useBigInt64: false,
    };
    this.entries = db.collection<EntryDocument>(resolved.collectionName, settings);
    this.budgets = db.collection<BudgetDocument>(resolved.budgetCollectionName, settings);
    this.ttlMs = resolved.ttlSeconds === undefined ? undefined : resolved.ttlSeconds * 1_000;
  }

  /**
   * Creates the indexes. The first entry does so by itself. Repeating it does no harm.
   *
   * @throws what the driver throws, for example if the database user may not create indexes
   */
  ready(): Promise<void> {
    this.setup ??= ensureLedgerIndexes(this.entries, this.budgets).catch((error: unknown) => {
      this.setup = undefined;
      throw error;
    });
    return this.setup;
  }

  /** Keeps an entry, once: if its id is known, nothing changes. */
  async book(entry: LedgerEntry): Promise<void> {
    await this.ready();
    const update = insertEntry(entry, this.ttlMs);
    try {
      await this.entries.updateOne({ _id: entry.id }, update, { upsert: true });
    } catch (error) {
      // It has been booked at this very moment.
      if (!isDuplicateKeyError(error)) throw error;
    }
  }

  /** Adds entries up, by `dimension`. Days come in their order, everything else the dearest first. */
  override async sum(dimension: CostDimension, query: CostQuery = {}): Promise<readonly CostSum[]> {
    checkQuery(query, dimension);
    const { limit = DEFAULT_SUMS } = query;
    const isByDay = dimension === "day";
    const order = isByDay ? { _id: -1 } : { cost: -1, _id: 1 };
    const finish = [{ $sort: order }, { $limit: limit }];
    const sums = await sumEntries(this.entries, matchEntries(query), groupBy(dimension), finish);
    return isByDay ? sums.toReversed() : sums;
  }

  /** Adds entries up. */
  override async total(filter: CostFilter = {}): Promise<CostTotals> {
    checkQuery(filter);
    return await this.addUp(matchEntries(filter));
  }

  /** Sets aside what a request may cost, if the budget has room for it. Of any number of callers, none oversteps it. */
  async reserve(budget: LedgerBudget, reservation: LedgerReservation): Promise<ReservationResult> {
    await this.ready();
    const update = reserveInBudget(budget, reservation);
    const document = await this.changeOrOpen(budget, update);
    if (await this.settleExpired(budget, document)) return await this.reserve(budget, reservation);
    const { verdict = "refused" } = document;
    const state = readState(document);
    return { verdict, ...state };
  }

  /** Lets a reservation last so many milliseconds more. One that has been settled stays so. */
  async renew({ id: budgetId }: LedgerBudget, id: string, holdMs: number): Promise<void> {
    await this.budgets.updateOne({ _id: budgetId, "reserved.id": id }, renewInBudget(id, holdMs));
  }

  /** Counts what a request has cost in place of its reservation, once. */
  async settle(
    budget: LedgerBudget,
    id: string,
    spent: Expense,
  ): Promise<{ readonly before: Expense; readonly after: Expense } | undefined> {
    const actual = toAmount(spent);
    const document = await this.change(budget, settleInBudget(budget, id, actual), id);
    if (!document) return undefined;
    const after = readSpent(document);
    return { before: toExpense(subtractAmounts(after, actual)), after: toExpense(after) };
  }

  /** Where a budget stands. */
  async read(budget: LedgerBudget): Promise<BudgetState> {
    await this.ready();
    return readState(await this.changeOrOpen(budget, refreshBudget(budget)));
  }

  private async change(
    { id }: LedgerBudget,
    update: Document[],
    reservation?: string,
  ): Promise<BudgetDocument | null> {
    const filter = { _id: id, ...(reservation !== undefined && { "reserved.id": reservation }) };
    return await this.budgets.findOneAndUpdate(filter, update, { returnDocument: "after" });
  }

  /** Changes a budget that there may not be yet. */
  private async changeOrOpen(budget: LedgerBudget, update: Document[]): Promise<BudgetDocument> {
    const known = await this.change(budget, update);
    if (known) return known;
    await this.open(budget);
    const opened = await this.change(budget, update);
    if (!opened) throw new Error(`The budget ${budget.id} was deleted while it was opened`);
    return opened;
  }

  private async addUp(match: Document): Promise<CostTotals> {
    const [sum] = await sumEntries(this.entries, match, null);
    if (!sum) return new CostAccount().totals;
    const { key: _, ...totals } = sum;
    return totals;
  }

  /** Creates the document of a budget, with what its entries have cost so far. */
  private async open(budget: LedgerBudget): Promise<void> {
    const inPeriod = { $expr: { $gte: ["$at", findPeriodStart(budget)] } };
    const { costUsd, inputTokens, outputTokens } = await this.addUp({
      ...matchEntries(budget.counts),
      ...(budget.period !== undefined && inPeriod),
    });
    const spent = toAmount({ costUsd, tokens: inputTokens + outputTokens });
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.budgets.updateOne({ _id: budget.id }, openBudget(budget, spent), {
          upsert: true,
        });
        return;
      } catch (error) {
        if (!isDuplicateKeyError(error) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Counts reservations whose process has booked its request and died before it could settle. */
  private async settleExpired(
    budget: LedgerBudget,
    { asked_at: nowAt, reserved }: BudgetDocument,
  ): Promise<boolean> {
    const expired = reserved.filter(
      ({ id, until }) => nowAt !== undefined && until <= nowAt && !this.missed.has(id),
    );
    if (expired.length === 0) return false;
    const ids = expired.map(({ id }) => id);
    const entries = await this.entries.find({ _id: { $in: ids } }).toArray();
    for (const { _id: id, cost_pico_usd = 0, input_tokens, output_tokens } of entries) {
      const picoUsd = readWhole(cost_pico_usd as Whole);
      const tokens = Number(input_tokens) + Number(output_tokens);
      await this.change(budget, settleInBudget(budget, id, { picoUsd, tokens }), id);
    }
    if (this.missed.size > MAX_MISSED) this.missed.clear();
    for (const id of ids) this.missed.add(id);
    return entries.length > 0;
  }
}
