import type { AIMessageChunk } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import nodeFetch from "node-fetch";
import { describe, expect, it } from "vitest";
import type { ModelOption } from "@threadkeep/resilient-llm";
import type { FaultServer } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer, testKey } from "../testing/test-model.ts";

type Fetch = typeof globalThis.fetch;

/** Its bodies are streams of Node.js. */
const fetch = nodeFetch as unknown as Fetch;

function createOption({ baseURL }: FaultServer): ModelOption {
  return { model: "a", baseURL, fields: { configuration: { fetch } } };
}

const join = (chunks: readonly AIMessageChunk[]): string =>
  chunks.reduce((whole, chunk) => whole.concat(chunk)).text;

describe("fetch of node-fetch", () => {
  it("gets whole and streamed answers, after a retry", async () => {
    const busy = replies.error(503);
    const server = await startServer(busy, replies.answer("a whole answer"));
    const { model } = createModel([], { models: [createOption(server)] });
    expect((await model.invoke("hi")).text).toBe("a whole answer");
    server.play(busy, replies.streamText("in many pieces"));
    expect(join(await Array.fromAsync(await model.stream("hi")))).toBe("in many pieces");
  });

  it("a stream that breaks off is noticed and repaired", async () => {
    const server = await startServer(
      replies.stream({ text: "half " }, { reset: true }),
      replies.streamText("the whole answer"),
    );
    const { model } = createModel([], {
      models: [createOption(server)],
      streamRecovery: "restart",
    });
    expect(join(await Array.fromAsync(await model.stream("hi")))).toBe("the whole answer");
  });

  it("an abort ends the request", async () => {
    const server = await startServer(replies.stream({ text: "some " }, { hang: true }));
    const { model } = createModel([], { models: [createOption(server)] });
    const controller = new AbortController();
    const stream = await model.stream("hi", { signal: controller.signal });
    const reading = rejection(Array.fromAsync(stream));
    await expect.poll(() => server.requests.length).toBe(1);
    controller.abort(new Error("the user left"));
    expect(String(await reading)).toContain("the user left");
    await expect.poll(() => server.requests[0]?.aborted).toBe(true);
  });
});

it("request options of a call reach fetch on every attempt, beside those of the model", async () => {
  const seen: unknown[] = [];
  const recordingFetch: Fetch = (input, init) => {
    const { dispatcher, keepalive } = init as { dispatcher?: unknown; keepalive?: unknown };
    seen.push([dispatcher, keepalive]);
    return nodeFetch(input as string, init as object) as unknown as Promise<Response>;
  };
  const server = await startServer(replies.error(503), replies.answer("done"));
  const own = new ChatOpenAI({
    model: "a",
    apiKey: testKey,
    configuration: {
      baseURL: server.baseURL,
      fetch: recordingFetch,
      fetchOptions: { dispatcher: "the model's", keepalive: true },
    },
  });
  const { model } = createModel([], { models: [own] });
  const fetchOptions = { dispatcher: "the call's" };
  expect((await model.invoke("hi", { options: { fetchOptions } } as object)).text).toBe("done");
  expect(seen).toEqual([
    ["the call's", true],
    ["the call's", true],
  ]);
  expect((await model.invoke("hi")).text).toBe("done");
  expect(seen.at(-1)).toEqual(["the model's", true]);
});
