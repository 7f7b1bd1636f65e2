import { AIMessage, type SystemMessage } from "@langchain/core/messages";
import { ensureConfig } from "@langchain/core/runnables";
import { z } from "zod";
import { measureSpentPercent } from "../cost/budget-notices.ts";
import type { LedgerBudget } from "../cost/cost-ledger.ts";
import { readSpender, type SpenderConfig } from "../cost/read-spender.ts";
import { BudgetExceededError } from "../errors/budget-exceeded-error.ts";
import { checkOptions } from "../options/check-options.ts";
import { ledger, type LedgerOptions, type ResolvedLedger } from "../options/ledger-options.ts";
import { listLedgerBudgets } from "./ledger-budgets.ts";

/** Options of {@link budgetMiddleware}. */
export interface BudgetMiddlewareOptions {
  /** What the agent's `ResilientChatModel` has as its option `ledger`, with its budgets. */
  readonly ledger: LedgerOptions;

  /**
   * What happens from 80 % of a budget on. `tell-model`: the model is told to come to an end. `go-on`: nothing.
   *
   * @default "tell-model"
   */
  readonly whenLow?: "tell-model" | "go-on" | undefined;

  /**
   * What the model is told from 80 % of a budget on, at the end of the system message.
   *
   * @default "Most of the budget for this work is used. Come to an end now: …"
   */
  readonly lowMessage?: string | undefined;

  /**
   * What happens when a budget is used up, or has too little left for the next call. `message`: the run ends with a
   * message of the assistant. `error`: it ends with a `BudgetExceededError`, which LangChain hands on as the `cause`
   * of an error of its own.
   *
   * @default "message"
   */
  readonly whenSpent?: "message" | "error" | undefined;

  /**
   * The text of the message that a run ends with.
   *
   * @default "The budget for this work is used up, so I have to stop here."
   */
  readonly spentMessage?: string | undefined;
}

/** A middleware as `createAgent` takes it. */
export interface BudgetMiddleware {
  /** `"Budget"`. */
  readonly name: string;
  /** Called around each call of the model. */
  wrapModelCall<Request extends { readonly systemMessage: SystemMessage }, Answer>(
    request: Request,
    handler: (request: Request) => Answer | Promise<Answer>,
  ): Promise<Answer | AIMessage>;
}

/** From this share of a budget on, it is low. */
const LOW_PERCENT = 80;
const ALL_PERCENT = 100;

const schema = z.strictObject({
  ledger: ledger.refine(
    ({ budget }) =>
      [budget.total, budget.perDay, budget.perThread, budget.perRun, budget.perUser].some(Boolean),
    "a ledger with a budget",
  ),
  whenLow: z.enum(["tell-model", "go-on"]).default("tell-model"),
  lowMessage: z
    .string()
    .min(1)
    .default(
      "Most of the budget for this work is used. Come to an end now: call no more tools than you must, and answer " +
        "with what you have.",
    ),
  whenSpent: z.enum(["message", "error"]).default("message"),
  spentMessage: z
    .string()
    .min(1)
    .default("The budget for this work is used up, so I have to stop here."),
});

/** The error of a budget, also where another middleware has passed it on: LangChain wraps it each time. */
function findBudgetError(error: unknown): BudgetExceededError | undefined {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if (BudgetExceededError.isInstance(inner)) return inner;
  }
  return undefined;
}

/** The budget of which the largest share is spent. `undefined`: the model will find out, and say it. */
async function findTightest(
  { budget: options, store }: ResolvedLedger,
  config: SpenderConfig,
): Promise<{ readonly budget: LedgerBudget; readonly percent: number } | undefined> {
  const budgets = listLedgerBudgets(options, readSpender(config));
  try {
    const states = await Promise.all(
      budgets.map(async (budget) => {
        const { spent } = await store.read(budget);
        return { budget, percent: measureSpentPercent(budget.limits, spent) };
      }),
    );
    return states.toSorted((left, right) => right.percent - left.percent)[0];
  } catch {
    // Whether anything may be asked without the ledger is the model's to decide.
    return undefined;
  }
}

/**
 * A middleware for `createAgent` that ends a run well before and when a budget of the ledger is used up. The model
 * itself keeps to the budget, so it has to have the same ledger.
 *
 * @example
 * ```ts
 * const ledger = { store: new MongoDBCostLedger({ client }), budget: { perThread: { maxCostUsd: 1 } } };
 * const agent = createAgent({
 *   model: new ResilientChatModel({ models, ledger }),
 *   tools,
 *   middleware: [budgetMiddleware({ ledger })],
 * });
 * ```
 * @throws InvalidOptionsError if an option cannot be used
 */
export function budgetMiddleware(options: BudgetMiddlewareOptions): BudgetMiddleware {
  const {
    ledger: shared,
    lowMessage,
    spentMessage,
    whenLow,
    whenSpent,
  } = checkOptions("budgetMiddleware", schema, options);
  const end = (budget: string): AIMessage =>
    new AIMessage({
      content: spentMessage,
      response_metadata: { stopped_by: "budget", budget },
    });
  return {
    name: "Budget",
    wrapModelCall: async (request, handler) => {
      const tightest = await findTightest(shared, ensureConfig());
      if (tightest && tightest.percent >= ALL_PERCENT) {
        const { name } = tightest.budget;
        if (whenSpent === "message") return end(name);
        throw new BudgetExceededError(`${name}: the budget is used up. Nothing was sent.`);
      }
      const isTold = whenLow === "tell-model" && tightest && tightest.percent >= LOW_PERCENT;
      const asked = isTold
        ? { ...request, systemMessage: request.systemMessage.concat(`\n\n${lowMessage}`) }
        : request;
      try {
        return await handler(asked);
      } catch (error) {
        const refusal = findBudgetError(error);
        if (whenSpent !== "message" || !refusal) throw error;
        return end(refusal.message);
      }
    },
  };
}
