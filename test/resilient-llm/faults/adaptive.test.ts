import { expect, it } from "vitest";
import type { ResilientChatModelOptions } from "@threadkeep/resilient-llm";
import type { FaultServer } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

/** A model whose requests say that no answer is longer than 5 tokens. */
function createBriefModel(server: FaultServer, options: Partial<ResilientChatModelOptions>) {
  const models = [{ model: "brief", baseURL: server.baseURL, maxOutputTokens: 5 }];
  return createModel([], { models, ...options });
}

it("after some quick answers the limit for a silent server is far below the ceiling", async () => {
  const server = await startServer(replies.answer("quick"));
  const { model, events } = createBriefModel(server, {
    timeout: { adaptive: true, adaptiveFloorMs: 20_000, firstTokenMs: 300_000, totalMs: 300_000 },
  });
  const read = async () => Array.fromAsync(await model.stream("hi"));
  for (let call = 0; call < 12; call += 1) {
    await model.invoke("hi");
    await read();
  }
  server.play(replies.hang, replies.answer("done"));
  expect((await model.invoke("hi")).text).toBe("done");
  server.play(replies.stream({ hang: true }), replies.answer("done"));
  await read();
  const timeouts = events.flatMap((event) =>
    event.type === "attempt-failed" && event.failure.kind === "timeout" ? [event] : [],
  );
  expect(timeouts.map((event) => event.failure.phase)).toEqual(["total", "first-token"]);
  for (const timeout of timeouts) expect(timeout.durationMs).toBeLessThan(100_000);
});

it("an attempt that was given up raises the next one's limit, so a provider that has become slow can answer", async () => {
  const server = await startServer(replies.answer("quick"));
  const { model, events } = createBriefModel(server, {
    timeout: { adaptive: true, adaptiveFloorMs: 20_000 },
    retry: { maxRetries: 1 },
  });
  const read = async () => Array.fromAsync(await model.stream("hi"));
  for (let call = 0; call < 10; call += 1) {
    await model.invoke("hi");
    await read();
  }
  server.play(replies.hang);
  await rejection(model.invoke("hi"));
  server.play(replies.stream({ hang: true }));
  await rejection(read());
  const waits = events.flatMap((event) => (event.type === "attempt-failed" ? [event] : []));
  expect(waits.map(({ failure }) => failure.phase)).toEqual([
    "total",
    "total",
    "first-token",
    "first-token",
  ]);
  // The limits themselves: how late a timer of a busy machine is says nothing about them.
  const limits = waits.map(({ failure }) => Number(/within (\d+) ms/.exec(failure.message)?.[1]));
  const [whole = 0, wholeAgain, streamed = 0, streamedAgain] = limits;
  expect(wholeAgain).toBeGreaterThan(2 * whole);
  expect(streamedAgain).toBeGreaterThan(2 * streamed);
});
