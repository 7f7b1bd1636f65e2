import { expect, it } from "vitest";
import { redactError, redactText } from "./redact.ts";
import { ThreadkeepError } from "../errors/threadkeep-error.ts";
import { BudgetExceededError } from "../errors/budget-exceeded-error.ts";

it("takes out the keys it is told and what looks like one", () => {
  const text = "key my-secret, sk-proj-abc123DEF, Bearer abcdefgh1234";
  expect(redactText(text, ["my-secret"])).toBe("key [redacted], [redacted], [redacted]");
});

it("redacts the whole chain of causes and leaves out requests", () => {
  const error = Object.assign(
    new Error("outer my-secret", { cause: new Error("inner my-secret") }),
    { code: "E", status: 401, request: { headers: { authorization: "Bearer my-secret" } } },
  );
  const copy = redactError(error, ["my-secret"]) as Error & { code: string; status: number };
  expect(copy).toMatchObject({ message: "outer [redacted]", code: "E", status: 401 });
  expect((copy.cause as Error).message).toBe("inner [redacted]");
  expect(copy).not.toHaveProperty("request");
  expect(copy.stack).not.toContain("my-secret");
});

it("errors are recognised by brand and code, also from another copy of the package", () => {
  const error = new BudgetExceededError("x");
  const foreign = Object.assign(new Error("x"), { code: "BUDGET_EXCEEDED" });
  Object.defineProperty(foreign, Symbol.for("@threadkeep/resilient-llm.error"), { value: true });
  for (const one of [error, foreign]) {
    expect(ThreadkeepError.isInstance(one)).toBe(true);
    expect(BudgetExceededError.isInstance(one)).toBe(true);
  }
  expect(BudgetExceededError.isInstance(new Error("x"))).toBe(false);
});
