import { expect, it } from "vitest";
import { createAcceleratedClock } from "../testing/accelerated-clock.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

const FOR_EVER = { "retry-after": "31536000" };

it("no hint is believed beyond retry.maxBlockMs, and an event says so", async () => {
  const first = await startServer(replies.error(429, FOR_EVER), replies.answer("from first"));
  const second = await startServer(replies.answer("from second"));
  const { model, events } = createModel([first, second], { retry: { maxBlockMs: 20_000 } });
  expect((await model.invoke("hi")).text).toBe("from first");
  expect(events.find((event) => event.type === "wait-hint-bounded")).toMatchObject({
    candidate: "first",
    hintMs: 31_536_000_000,
    blockedForMs: 20_000,
  });
  expect(events.find((event) => event.type === "retry")).toMatchObject({ delayMs: 20_000 });
});

it("a limit that a good answer has used up blocks no longer than that either", async () => {
  const used = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "999999999" };
  const server = await startServer(replies.withHeaders(used, replies.answer("done")));
  const { model, events } = createModel([server], { retry: { maxBlockMs: 5000 } });
  expect((await model.invoke("hi")).text).toBe("done");
  expect((await model.invoke("hi")).text).toBe("done");
  expect(events).toContainEqual(
    expect.objectContaining({ type: "wait-hint-bounded", blockedForMs: 5000 }),
  );
});

it("a sole candidate is asked again where a call's deadline would pass unused, and its answer ends the block", async () => {
  const server = await startServer(replies.error(429, FOR_EVER), replies.answer("done"));
  const { model } = createModel([server], { retry: { deadlineMs: 100_000 } });
  expect(await rejection(model.invoke("hi"))).toMatchObject({ code: "RATE_LIMITED" });
  expect(server.requests).toHaveLength(1);
  expect((await model.invoke("hi")).text).toBe("done");
  expect((await model.invoke("hi")).text).toBe("done");
  expect(server.requests).toHaveLength(3);
});

it("such a call asks once, not again and again", async () => {
  const server = await startServer(replies.error(429, FOR_EVER));
  const { model } = createModel([server], { retry: { deadlineMs: 100_000 } });
  await rejection(model.invoke("hi"));
  expect(await rejection(model.invoke("hi"))).toMatchObject({ code: "RATE_LIMITED" });
  expect(server.requests).toHaveLength(2);
});

it("the model's own rate limit is kept: nothing is sent before its time", async () => {
  const server = await startServer(replies.answer("done"));
  const { model } = createModel([], {
    models: [{ model: "a", baseURL: server.baseURL, rateLimit: { requestsPerMinute: 1 } }],
    retry: { deadlineMs: 20_000 },
    clock: createAcceleratedClock(10),
  });
  expect((await model.invoke("hi")).text).toBe("done");
  expect(await rejection(model.invoke("hi"))).toMatchObject({ code: "RATE_LIMITED" });
  expect(server.requests).toHaveLength(1);
});
