import { once } from "node:events";
import { createGzip } from "node:zlib";
import { expect, it } from "vitest";
import { InvalidResponseError, ModelCallError } from "@threadkeep/resilient-llm";
import type { Reply } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

const MIB = 1024 * 1024;
const maxResponseBytes = MIB / 4;
/** A client that stops reading is noticed before this is sent. */
const LOTS = 300 * MIB;

interface Endless {
  readonly status?: number;
  readonly type: string;
  readonly begins: string;
  readonly repeats: string;
  readonly isPacked?: boolean;
}

/** Sends until the client goes away, and says how much it has sent before packing. */
function sendEndlessly({ begins, isPacked, repeats, status = 200, type }: Endless) {
  const sent = { bytes: 0, hasEnded: false };
  const block = repeats.repeat(Math.ceil((64 * 1024) / repeats.length));
  const reply: Reply = async (response) => {
    const headers = { "content-type": type, ...(isPacked ? { "content-encoding": "gzip" } : {}) };
    response.writeHead(status, headers);
    const target = isPacked ? createGzip() : response;
    if (target !== response) target.pipe(response);
    const closed = once(response, "close").catch(() => undefined);
    target.write(begins);
    while (!response.destroyed && sent.bytes < LOTS) {
      sent.bytes += block.length;
      if (!target.write(block)) await Promise.race([once(target, "drain"), closed]);
    }
    sent.hasEnded = sent.bytes >= LOTS;
    target.destroy();
  };
  return { reply, sent };
}

const chunk = { choices: [{ index: 0, delta: { content: "word " }, finish_reason: null }] };
const event = `data: ${JSON.stringify(chunk)}\n\n`;
const json = '{"object":"chat.completion","choices":[{"message":{"role":"assistant","content":"';

const bodies: Readonly<Record<string, Endless>> = {
  JSON: { type: "application/json", begins: json, repeats: "word " },
  "packed JSON": { type: "application/json", begins: json, repeats: "word ", isPacked: true },
  "blank lines": { type: "application/json", begins: "", repeats: "\n" },
  "one event": { type: "text/event-stream", begins: 'data: {"choices', repeats: "word " },
  "one event of many lines": { type: "text/event-stream", begins: "", repeats: "data: word\n" },
  "one packed event": {
    type: "text/event-stream",
    begins: 'data: {"choices',
    repeats: "word ",
    isPacked: true,
  },
  "a comment": { type: "text/event-stream", begins: ": ", repeats: "alive " },
  events: { type: "text/event-stream", begins: "", repeats: event },
  page: { type: "text/html", begins: "<!doctype html>", repeats: "<p>word</p>" },
};

const ways = ["invoke", "invoke as a stream", "stream"] as const;

async function ask(body: Endless, way: (typeof ways)[number]) {
  const { reply, sent } = sendEndlessly(body);
  const server = await startServer(reply);
  const { model } = createModel([server], {
    maxResponseBytes,
    retry: { maxRetries: 0 },
    ...(way === "invoke as a stream" ? { timeout: { adaptive: true, adaptiveFloorMs: 1 } } : {}),
  });
  const error = await rejection(
    way === "stream"
      ? (async () => {
          for await (const piece of await model.stream("hi")) void piece;
        })()
      : model.invoke("hi"),
  );
  await expect.poll(() => server.requests[0]?.aborted).toBe(true);
  return { error, sent };
}

it.each(Object.keys(bodies).flatMap((name) => ways.map((way) => [name, way] as const)))(
  "%s without end (%s): reading stops at maxResponseBytes, with a typed error",
  async (name, way) => {
    const { error, sent } = await ask(bodies[name]!, way);
    expect(ModelCallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ failure: { kind: "invalid-response" } });
    expect(String(error)).toMatch(/more than \d+ bytes.*raise maxResponseBytes/s);
    expect(sent.hasEnded).toBe(false);
  },
  30_000,
);

it.each(ways)("an error body without end (%s) is read to its first lines", async (way) => {
  const type = "application/json";
  const begins = '{"error":{"message":"';
  const { error, sent } = await ask({ status: 503, type, begins, repeats: "down " }, way);
  expect(error).toMatchObject({ failure: { kind: "server-error", status: 503 } });
  expect(sent.hasEnded).toBe(false);
});

it("an answer within the bound is handed out, packed or not", async () => {
  const text = "word ".repeat(10_000);
  const server = await startServer(replies.answer(text));
  const { model } = createModel([server], { maxResponseBytes });
  expect((await model.invoke("hi")).text).toBe(text);
  server.play((response) => {
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
    const packed = createGzip();
    packed.pipe(response);
    const message = { role: "assistant", content: text };
    packed.end(JSON.stringify({ choices: [{ index: 0, message, finish_reason: "stop" }] }));
  });
  expect((await model.invoke("hi")).text).toBe(text);
});

it("an answer a little above the bound is refused as one without end is", async () => {
  const server = await startServer(replies.answer("word ".repeat(10_000)));
  const { model } = createModel([server], { maxResponseBytes: 50_000, retry: { maxRetries: 0 } });
  expect(InvalidResponseError.isInstance(await rejection(model.invoke("hi")))).toBe(true);
});
