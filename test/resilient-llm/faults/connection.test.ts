import { createServer as createTcpServer } from "node:net";
import { once } from "node:events";
import { expect, it } from "vitest";
import type { ModelCallError } from "@threadkeep/resilient-llm";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

const retryOnce = { retry: { maxRetries: 1 } };

async function closedPort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

it("refused connections, unknown hosts and TLS failures are retried and have messages of their own", async () => {
  const plain = await startServer(replies.answer("never"));
  const cases = [
    [`http://127.0.0.1:${await closedPort()}/v1`, /was refused/],
    ["http://no-such-host.invalid/v1", /could not be resolved/],
    [`https://127.0.0.1:${plain.port}/v1`, /TLS handshake/],
  ] as const;
  for (const [baseURL, message] of cases) {
    const { model } = createModel([], { models: [{ model: "a", baseURL }], ...retryOnce });
    const error = (await rejection(model.invoke("hi"))) as ModelCallError;
    expect(error.code).toBe("CONNECTION_FAILED");
    expect(error.failure.message).toMatch(message);
    expect(error.failure.message).toContain(baseURL);
    expect(error.attempts).toHaveLength(2);
  }
});

it("a refused connection is repaired by the next candidate", async () => {
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([], {
    models: [
      { model: "a", baseURL: `http://127.0.0.1:${await closedPort()}/v1` },
      { model: "b", baseURL: second.baseURL },
    ],
    ...retryOnce,
  });
  expect((await model.invoke("hi")).text).toBe("from second");
});

it("an answer cut in the middle of its JSON is retried", async () => {
  const server = await startServer(
    (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end('{"id": "x", "choices": [{"message": {"content": "half of the');
    },
    (response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "9000" });
      response.write('{"id": "x", "choices"');
      setTimeout(() => response.socket?.resetAndDestroy(), 5);
    },
    (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end('{"choices": [{"message": {"content": "looks like a whole one"}');
    },
    replies.answer("whole"),
  );
  const { model } = createModel([server], { retry: { maxRetries: 5 } });
  expect((await model.invoke("hi")).text).toBe("whole");
  expect(server.requests).toHaveLength(4);
});

it("slow headers reach the connect limit, a slow first token reaches its own limit", async () => {
  const silent = await startServer(replies.hang);
  const tokenless = await startServer(replies.stream({ hang: true }));
  const healthy = await startServer(replies.answer("done"));
  const timeout = { connectMs: 20_000, firstTokenMs: 30_000 };
  for (const [server, phase] of [
    [silent, "connect"],
    [tokenless, "first-token"],
  ] as const) {
    const { model, events } = createModel([server, healthy], { timeout, retry: { maxRetries: 0 } });
    const chunks = await Array.fromAsync(await model.stream("hi"));
    expect(chunks.map((chunk) => chunk.text).join("")).toBe("done");
    const failed = events.find((event) => event.type === "attempt-failed");
    expect(failed?.failure).toMatchObject({ kind: "timeout", phase });
    await expect.poll(() => server.requests[0]?.aborted).toBe(true);
  }
});

it("invoke gives up on a silent server at the total limit and asks the next candidate", async () => {
  const silent = await startServer(replies.hang);
  const healthy = await startServer(replies.answer("done"));
  const { model, events } = createModel([silent, healthy], {
    timeout: { totalMs: 20_000 },
    retry: { maxRetries: 0 },
  });
  expect((await model.invoke("hi")).text).toBe("done");
  expect(events.find((event) => event.type === "attempt-failed")?.failure).toMatchObject({
    kind: "timeout",
    phase: "total",
  });
});

it("a call to a server that vanishes for good ends at the deadline", async () => {
  const server = await startServer(replies.hang);
  const { model } = createModel([server], {
    timeout: { totalMs: 60_000 },
    retry: { deadlineMs: 30_000, maxRetries: 10 },
  });
  const startedAt = performance.now();
  const error = (await rejection(model.invoke("hi"))) as ModelCallError;
  expect(performance.now() - startedAt).toBeLessThan(600);
  expect(error.code).toBe("TIMEOUT");
  expect(error.message).toContain("retry.deadlineMs");
});
