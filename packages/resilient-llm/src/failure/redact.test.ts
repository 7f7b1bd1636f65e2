import { expect, it } from "vitest";
import { redactError, redactText } from "./redact.ts";

it("takes out the given keys and whatever looks like one", () => {
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
