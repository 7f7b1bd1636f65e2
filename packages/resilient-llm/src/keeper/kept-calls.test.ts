import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import type { KeeperBounds, Order } from "./keeper-protocol.ts";
import type { KeptAnswer } from "./kept-answer.ts";
import { KeptCalls } from "./kept-calls.ts";

const KB = "x".repeat(1_000);

const roomy: KeeperBounds = {
  idleMs: 60_000,
  keepMs: 60_000,
  maxBytes: 1_000_000,
  maxRequests: 10,
};

/** A provider, and what a keeper holds of its answers. */
async function open(bounds: Partial<KeeperBounds> = {}) {
  const running: ServerResponse[] = [];
  const server = createServer((request, response) => {
    request.resume();
    response.flushHeaders();
    running.push(response);
  });
  server.listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const calls = new KeptCalls({ ...roomy, ...bounds });
  let orders = 0;
  /** Asks for an answer, which the returned response then is. */
  const ask = async (callId: string, given: Partial<Order> = {}) => {
    orders += 1;
    const order = {
      id: `order-${orders}`,
      candidate: "a",
      after: 0,
      isForKept: false,
      url,
      headers: {},
      body: "{}",
    };
    const taken = calls.take(callId, { ...order, ...given });
    const count = running.length;
    if (taken?.isNew) while (running.length === count) await sleep(1);
    return { ...taken, response: running.at(-1) as ServerResponse, id: order.id };
  };
  return { ask, calls };
}

/** Reads an answer to its end. */
async function read(answer: KeptAnswer | undefined): Promise<string> {
  let text = "";
  for await (const piece of answer?.read() ?? []) text += Buffer.from(piece).toString();
  return text;
}

async function end(answer: KeptAnswer | undefined): Promise<void> {
  for (let endedAtMs = answer?.endedAtMs; endedAtMs === undefined;) {
    await sleep(1);
    endedAtMs = answer?.endedAtMs;
  }
}

it("an answer is read to its end without a reader, and given to whoever asks for it next, from its beginning", async () => {
  const { ask, calls } = await open();
  const first = await ask("call");
  first.response.write("hello ");
  await sleep(5);
  const second = await ask("call");
  expect(second.isNew).toBe(false);
  const text = read(second.answer);
  first.response.end("there");
  expect(await text).toBe("hello there");
  expect(await read((await ask("call")).answer)).toBe("hello there");
  expect(calls.describe("call")).toEqual({ candidate: "a" });
  expect(calls.describe("other")).toBeUndefined();
});

it("a candidate's next answer is the one after the last that the agent has, and each candidate has its own", async () => {
  const { ask } = await open();
  const first = await ask("call");
  const again = await ask("call", { after: Number(first.answer?.number) });
  expect(again.isNew).toBe(true);
  expect((await ask("call", { candidate: "b" })).isNew).toBe(true);
  expect((await ask("call")).answer).toBe(first.answer);
  expect((await ask("call", { after: Number(first.answer?.number) })).answer).toBe(again.answer);
});

it("above its bytes, the answer that ended first is let go", async () => {
  const { ask, calls } = await open({ maxBytes: 2_500 });
  for (const name of ["one", "two", "three"]) {
    const { answer, response } = await ask(name);
    response.end(KB);
    await end(answer);
  }
  expect(["one", "two", "three"].map((name) => calls.describe(name) !== undefined)).toEqual([
    false,
    true,
    true,
  ]);
});

it("an answer above all bytes is handed on whole to its reader, and kept for nobody else", async () => {
  const { ask, calls } = await open({ maxBytes: 2_500 });
  const { answer, response } = await ask("call");
  const text = read(answer);
  for (let kilobyte = 0; kilobyte < 5; kilobyte += 1) {
    response.write(KB);
    await sleep(5);
  }
  response.end();
  expect(await text).toBe(KB.repeat(5));
  expect(calls.describe("call")).toBeUndefined();
  calls.sweep();
  expect(calls.isEmpty).toBe(true);
});

it("an answer that nobody comes for is let go after its time", async () => {
  const { ask, calls } = await open();
  const { answer, response } = await ask("call");
  response.end("hello");
  await end(answer);
  calls.sweep(performance.now() + roomy.keepMs - 1_000);
  expect(calls.isEmpty).toBe(false);
  calls.sweep(performance.now() + roomy.keepMs + 1_000);
  expect(calls.isEmpty).toBe(true);
});

it("an answer that is dropped fails for whoever reads it, and is broken off at the provider", async () => {
  const { ask, calls } = await open();
  const { answer, id, response } = await ask("call");
  const closed = once(response, "close");
  const text = read(answer);
  response.write("hello");
  await sleep(5);
  calls.drop("call", "another order");
  expect(calls.describe("call")).toBeDefined();
  calls.drop("call", id);
  await expect(text).rejects.toThrow("broke off");
  await closed;
  calls.sweep();
  expect(calls.isEmpty).toBe(true);
});

it("an answer that broke off at the provider is not given to anybody else", async () => {
  const { ask, calls } = await open();
  const { answer, response } = await ask("call");
  const text = read(answer);
  response.write("hello");
  await sleep(5);
  response.destroy();
  await expect(text).rejects.toThrow("broke off");
  expect(calls.describe("call")).toBeUndefined();
});

it("so many requests run at once, and a kept answer takes no place", async () => {
  const { ask } = await open({ maxRequests: 1 });
  const { answer, response } = await ask("one");
  expect((await ask("two")).answer).toBeUndefined();
  expect((await ask("one")).answer).toBe(answer);
  response.end();
  await end(answer);
  expect((await ask("two")).answer).toBeDefined();
});
