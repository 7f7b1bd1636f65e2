import { expect, it } from "vitest";
import type { ResilienceEvent } from "@threadkeep/resilient-llm";
import * as replies from "../testing/replies.ts";
import { createModel, startServer } from "../testing/test-model.ts";

it("a subscriber hears of every attempt of a call under one id, until it unsubscribes", async () => {
  const server = await startServer(replies.error(503), replies.answer("done"));
  const { model } = createModel([server]);
  const events: ResilienceEvent[] = [];
  const unsubscribe = model.subscribe((event) => events.push(event));
  await model.invoke("hi");
  expect(events.map(({ type }) => type)).toEqual([
    "attempt-started",
    "attempt-failed",
    "retry",
    "attempt-started",
    "attempt-succeeded",
  ]);
  const ids = events.map((event) => "callId" in event && event.callId);
  expect(new Set(ids).size).toBe(1);
  await model.withConfig({ tags: ["derived"] }).invoke("hi");
  expect(new Set(events.map((event) => "callId" in event && event.callId)).size).toBe(2);
  unsubscribe();
  const before = events.length;
  await model.invoke("hi");
  expect(events).toHaveLength(before);
});

it("a listener that throws neither breaks the call nor silences the other listeners", async () => {
  const server = await startServer(replies.answer("done"));
  const { model, events } = createModel([server]);
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  model.subscribe(() => {
    throw new Error("the dashboard is down");
  });
  const late: string[] = [];
  model.subscribe(({ type }) => late.push(type));
  expect((await model.invoke("hi")).text).toBe("done");
  expect(late).toEqual(events.map(({ type }) => type));
  await expect.poll(() => warnings.map(String).join()).toContain("the dashboard is down");
  process.off("warning", onWarning);
});
