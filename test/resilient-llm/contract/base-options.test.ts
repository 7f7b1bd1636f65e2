import type { AIMessageChunk } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ResilientChatModel, type ModelOption } from "@threadkeep/resilient-llm";
import type { FaultServer, Reply } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer, testKey } from "../testing/test-model.ts";

/** Answers after 20 ms and notes how many requests are there at once. */
async function startBusyServer(): Promise<{ server: FaultServer; mostAtOnce: () => number }> {
  let running = 0;
  let most = 0;
  const answer = replies.answer("done");
  const slow: Reply = async (response, request) => {
    running += 1;
    most = Math.max(most, running);
    await delay(20);
    running -= 1;
    await answer(response, request);
  };
  return { server: await startServer(slow), mostAtOnce: () => most };
}

function createChatOpenAI({ baseURL }: FaultServer, fields: object): ChatOpenAI {
  return new ChatOpenAI({ model: "a", apiKey: testKey, configuration: { baseURL }, ...fields });
}

describe("maxConcurrency", () => {
  it("bounds the calls of a model and of all derived from it", async () => {
    const { server, mostAtOnce } = await startBusyServer();
    const { model } = createModel([server], { maxConcurrency: 2 });
    const derived = [
      model,
      model.withConfig({ stop: ["x"] }),
      model.withBudget({ maxTokens: 1e6 }),
    ];
    const answers = await Promise.all(
      Array.from({ length: 9 }, async (_, index) => {
        const one = derived[index % 3]!;
        if (index % 2 === 0) return (await one.invoke("hi")).text;
        const chunks = await Array.fromAsync(await one.stream("hi"));
        return chunks.map((chunk) => chunk.text).join("");
      }),
    );
    expect(answers).toEqual(Array.from({ length: 9 }, () => "done"));
    expect(mostAtOnce()).toBe(2);
  });

  it("a call that fails, or whose stream is not read to its end, gives its place back", async () => {
    const server = await startServer(replies.error(400));
    const { model } = createModel([server], { maxConcurrency: 1 });
    await rejection(model.invoke("hi"));
    server.play(replies.streamText("a b c"));
    for await (const chunk of await model.stream("hi")) if (chunk.text !== "") break;
    server.play(replies.answer("next"));
    expect((await model.invoke("hi")).text).toBe("next");
  });

  it("a call that waits can be aborted, and those after it get their turn", async () => {
    const server = await startServer(replies.hang);
    const { model } = createModel([server], { maxConcurrency: 1 });
    const first = new AbortController();
    const running = rejection(model.invoke("hi", { signal: first.signal }));
    await expect.poll(() => server.requests.length).toBe(1);
    const second = new AbortController();
    const waiting = rejection(model.invoke("hi", { signal: second.signal }));
    const last = model.invoke("hi");
    second.abort(new Error("the user left"));
    expect(String(await waiting)).toContain("the user left");
    expect(server.requests).toHaveLength(1);
    server.play(replies.answer("at last"));
    first.abort();
    await running;
    expect((await last).text).toBe("at last");
  });

  it("of a candidate's own ChatOpenAI holds too", async () => {
    for (const give of [
      (server: FaultServer): ModelOption => createChatOpenAI(server, { maxConcurrency: 2 }),
      ({ baseURL }: FaultServer): ModelOption => ({
        model: "a",
        baseURL,
        fields: { maxConcurrency: 2 },
      }),
    ]) {
      const { server, mostAtOnce } = await startBusyServer();
      const { model } = createModel([], { models: [give(server)] });
      await Promise.all(Array.from({ length: 6 }, () => model.invoke("hi")));
      expect(mostAtOnce()).toBe(2);
    }
  });
});

describe("disableStreaming", () => {
  const whole = (chunks: readonly AIMessageChunk[]) =>
    chunks.reduce((sum, chunk) => sum.concat(chunk));

  it("of the model: stream() asks for a whole answer and gives it in one piece", async () => {
    const server = await startServer(replies.answer("a whole answer"));
    const { model } = createModel([server], { disableStreaming: true });
    for (const one of [model, model.withConfig({ stop: ["x"] })]) {
      const chunks = await Array.fromAsync(await one.stream("hi"));
      expect(chunks.map((chunk) => chunk.text)).toEqual(["a whole answer"]);
    }
    expect(server.requests.map(({ streaming }) => streaming)).toEqual([false, false]);
  });

  it("of the model: streamEvents asks for a whole answer too", async () => {
    const server = await startServer(replies.answer("a whole answer"));
    const { model } = createModel([server], { disableStreaming: true });
    expect((await model.streamEvents("hi")).text).toBeDefined();
    expect(await model.streamEvents("hi").text).toBe("a whole answer");
    expect(server.requests.every(({ streaming }) => !streaming)).toBe(true);
  });

  it.each([
    ["disableStreaming", { disableStreaming: true }],
    ["streaming: false", { streaming: false }],
  ])("of a candidate, as %s: it is asked for whole answers", async (_, fields) => {
    const server = await startServer(replies.answer("a whole answer"));
    for (const option of [
      createChatOpenAI(server, fields),
      { model: "a", baseURL: server.baseURL, fields },
    ]) {
      const { model } = createModel([], { models: [option] });
      const chunks = await Array.fromAsync(await model.stream("hi"));
      expect(whole(chunks).text).toBe("a whole answer");
    }
    expect(server.requests.map(({ streaming }) => streaming)).toEqual([false, false]);
  });
});

it("outputVersion of the model is LangChain's", async () => {
  const server = await startServer(replies.answer("x"));
  const { model } = createModel([server], { outputVersion: "v1" });
  expect((await model.invoke("hi")).content).toEqual([{ type: "text", text: "x" }]);
  expect(new ResilientChatModel({ models: ["a"], apiKey: "k" }).outputVersion).toBe("v0");
});
