import { expect, it } from "vitest";
import type { ResilientChatModelOptions } from "@threadkeep/resilient-llm";
import type { FaultServer } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, startServer } from "../testing/test-model.ts";

/** Limits with their defaults but for the clock, on which a busy machine must not look like a stall. */
function createAdaptiveModel(
  server: FaultServer,
  options: Partial<ResilientChatModelOptions> = {},
) {
  return createModel([server], {
    ...options,
    timeout: { adaptive: true, adaptiveFloorMs: 60_000, idleMs: 60_000, ...options.timeout },
  });
}

/** An answer of so many pieces, which takes `lengthMs` on the model's clock. */
function writeSlowly(pieces: number, lengthMs: number) {
  const waitMs = lengthMs / 100 / pieces;
  const steps = Array.from({ length: pieces }, () => [{ waitMs }, { text: "word " }]).flat();
  return replies.stream(...steps, { finish: "stop" }, { usage: replies.usage }, { done: true });
}

it("after 60 short answers a long one of invoke is not cut, and is asked for once", async () => {
  const server = await startServer(
    ...Array.from({ length: 60 }, () => replies.answer("short")),
    writeSlowly(40, 160_000),
  );
  const { model, events } = createAdaptiveModel(server);
  for (let call = 0; call < 60; call += 1) await model.invoke("hi");
  const answer = await model.invoke("Write a long text");
  expect(answer.text).toBe("word ".repeat(40));
  expect(answer.usage_metadata).toMatchObject({ input_tokens: 10, output_tokens: 5 });
  expect(server.requests).toHaveLength(61);
  expect(events.some(({ type }) => type === "attempt-failed")).toBe(false);
});

it("an invoke whose answer stalls is noticed by the silence, long before the limit for the whole", async () => {
  const server = await startServer(
    replies.stream({ text: "Half of" }, { hang: true }),
    replies.answer("Whole"),
  );
  const { model, events } = createAdaptiveModel(server);
  expect((await model.invoke("hi")).text).toBe("Whole");
  const failed = events.find(({ type }) => type === "attempt-failed");
  expect(failed).toMatchObject({ failure: { kind: "timeout", phase: "idle" } });
  expect(failed?.type === "attempt-failed" && failed.durationMs).toBeLessThan(150_000);
});

it("a provider that refuses streams is asked for a whole answer in the same attempt, from then on at once", async () => {
  const message = "Your organization must be verified to stream this model.";
  const server = await startServer();
  const refusal = replies.error(400, {}, { code: "unsupported_value", message });
  server.playScript(({ streaming }) => (streaming ? refusal : replies.answer("Hello")));
  const { model, events } = createAdaptiveModel(server);
  expect((await model.invoke("hi")).text).toBe("Hello");
  expect((await model.invoke("hi")).text).toBe("Hello");
  expect(server.requests.map(({ streaming }) => streaming)).toEqual([true, false, false]);
  expect(events.some(({ type }) => type === "attempt-failed")).toBe(false);
});

it("a whole answer that comes although a stream was asked for has the time of a whole answer", async () => {
  const server = await startServer(async (response, request) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    await new Promise((resolve) => {
      setTimeout(resolve, 1000);
    });
    response.end(
      JSON.stringify({
        id: `whole-${request.index}`,
        object: "chat.completion",
        choices: [
          { index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" },
        ],
        usage: replies.usage,
      }),
    );
  });
  const { model } = createAdaptiveModel(server, { timeout: { firstTokenMs: 60_000 } });
  expect((await model.invoke("hi")).text).toBe("Hello");
  expect(server.requests).toHaveLength(1);
});

it.each([
  ["several answers", { n: 2 }],
  ["log probabilities", { logprobs: true }],
])("%s are not asked for as a stream", async (_, fields) => {
  const server = await startServer(replies.completion("Hello"));
  const models = [{ model: "a", baseURL: server.baseURL, fields }];
  const { model } = createAdaptiveModel(server, { models });
  await model.invoke("hi");
  expect(server.requests.map(({ streaming }) => streaming)).toEqual([false]);
});

it("answers that are quick, or short by request, are not asked for as streams", async () => {
  const server = await startServer(replies.answer("Hello"));
  const models = [{ model: "a", baseURL: server.baseURL, maxOutputTokens: 20 }];
  const { model } = createAdaptiveModel(server, { models });
  for (let call = 0; call < 12; call += 1) await model.invoke("hi");
  // As long as fewer than ten latencies are known, any answer may be long.
  expect(server.requests.map(({ streaming }) => streaming).slice(10)).toEqual([false, false]);
});
