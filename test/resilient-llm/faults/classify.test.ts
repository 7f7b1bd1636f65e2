import { expect, it } from "vitest";
import type {
  ClassifyOption,
  ModelCallError,
  ProviderErrorDescription,
} from "@threadkeep/resilient-llm";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer, testKey } from "../testing/test-model.ts";

it("classify decides before the package's own rules, and gets what the provider said without the key", async () => {
  const first = await startServer(
    replies.json(400, {
      error: {
        message: `team of ${testKey} has no seats`,
        code: "E77",
        type: "seat",
        param: "team",
      },
    }),
  );
  const second = await startServer(replies.answer("from second"));
  const seen: ProviderErrorDescription[] = [];
  const classify: ClassifyOption = (error) => {
    seen.push(error);
    return error.code === "E77" ? "quota-exhausted" : undefined;
  };
  const { model, events } = createModel([first, second], { classify });
  expect((await model.invoke("hi")).text).toBe("from second");
  expect(events.find((event) => event.type === "fallback")?.because.kind).toBe("quota-exhausted");
  expect(seen).toEqual([
    {
      status: 400,
      code: "E77",
      type: "seat",
      param: "team",
      message: "team of [redacted] has no seats",
      model: "first-model",
      baseUrl: first.baseURL,
    },
  ]);
});

it("classify is asked about odd finish reasons too", async () => {
  const first = await startServer(replies.completion("I", { finishReason: "out_of_tea" }));
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([first, second], {
    classify: ({ finishReason }) => (finishReason === "out_of_tea" ? "server-error" : undefined),
    retry: { maxRetries: 0 },
  });
  expect((await model.invoke("hi")).text).toBe("from second");
});

it.each<[string, ClassifyOption]>([
  [
    "throws",
    () => {
      throw new Error("oops");
    },
  ],
  ["returns no kind", () => "no-such-kind" as "timeout"],
  ["returns undefined", () => undefined],
])("a classify that %s leaves it to the package's rules", async (_, classify) => {
  const first = await startServer(replies.error(402));
  const { model } = createModel([first], { classify });
  expect(await rejection(model.invoke("hi"))).toMatchObject({ code: "QUOTA_EXHAUSTED" });
});

it("a bad request that may be right for others continues with fallback.onBadRequest", async () => {
  const first = await startServer(replies.error(400, {}, { message: "no such field" }));
  const second = await startServer(replies.answer("from second"));
  const strict = createModel([first, second]).model;
  const error = (await rejection(strict.invoke("hi"))) as ModelCallError;
  expect(error.nextStep).toContain("fallback.onBadRequest: true");
  expect(second.requests).toHaveLength(0);
  const tolerant = createModel([first, second], { fallback: { onBadRequest: true } }).model;
  expect((await tolerant.invoke("hi")).text).toBe("from second");
});
