import { describe, expect, it } from "vitest";
import * as api from "../index.ts";
import { BudgetExceededError } from "./budget-exceeded-error.ts";
import { InvalidOptionsError } from "./invalid-options-error.ts";
import { AllCandidatesFailedError, ModelCallError } from "./model-call-error.ts";
import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** An error as another copy of the package would throw it. */
function createForeignError(code: string): Error {
  const error = Object.assign(new Error("x"), { code });
  return Object.defineProperty(error, Symbol.for("threadkeep.error"), { value: true });
}

const classes = Object.entries(api).filter(
  (entry): entry is [string, typeof ThreadkeepError] =>
    typeof entry[1] === "function" && entry[1].prototype instanceof ThreadkeepError,
);

describe("isInstance", () => {
  it("recognises errors of this copy of the package and of another one by their code", () => {
    for (const error of [new BudgetExceededError("x"), createForeignError("BUDGET_EXCEEDED")]) {
      expect(ThreadkeepError.isInstance(error)).toBe(true);
      expect(BudgetExceededError.isInstance(error)).toBe(true);
      expect(InvalidOptionsError.isInstance(error)).toBe(false);
    }
  });

  it("on a parent class recognises the errors of its subclasses, and not the reverse", () => {
    const failed = createForeignError("ALL_CANDIDATES_FAILED");
    const limited = createForeignError("RATE_LIMITED");
    expect(ModelCallError.isInstance(failed)).toBe(true);
    expect(ModelCallError.isInstance(limited)).toBe(true);
    expect(AllCandidatesFailedError.isInstance(limited)).toBe(false);
  });

  it.each([
    undefined,
    null,
    "BUDGET_EXCEEDED",
    new Error("x"),
    { code: "BUDGET_EXCEEDED" },
    () => undefined,
  ])("is false for what is none of these errors: %s", (value) => {
    expect(ThreadkeepError.isInstance(value)).toBe(false);
    expect(BudgetExceededError.isInstance(value)).toBe(false);
  });
});

it("every error class has codes of its own, so that none passes for another", () => {
  expect(classes.length).toBeGreaterThan(8);
  const withoutCodes = classes.filter(([, type]) => !Object.hasOwn(type, "codes"));
  expect(withoutCodes.map(([name]) => name)).toEqual([]);
});

it("a final error tells LangChain not to retry, another one does not", () => {
  const mark = Symbol.for("langchain.errors.retryable");
  const create = (isFinal?: boolean) => new ThreadkeepError("TIMEOUT", "x", { isFinal });
  expect(Reflect.get(create(), mark)).toBe(false);
  expect(create().isFinal).toBe(true);
  expect(Reflect.has(create(false), mark)).toBe(false);
  expect(create(false).isFinal).toBe(false);
});

it("keeps its cause, and has none if none was given", () => {
  const cause = new Error("inner");
  expect(new InvalidOptionsError("x", { cause }).cause).toBe(cause);
  expect(Object.hasOwn(new InvalidOptionsError("x", {}), "cause")).toBe(false);
});

it("is named after its class", () => {
  const code: ThreadkeepErrorCode = "INVALID_OPTIONS";
  expect(String(new InvalidOptionsError("x"))).toBe("InvalidOptionsError: x");
  expect(new InvalidOptionsError("x").code).toBe(code);
});
