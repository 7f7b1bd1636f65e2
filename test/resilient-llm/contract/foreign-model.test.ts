import { FakeListChatModel, FakeStreamingChatModel } from "@langchain/core/utils/testing";
import { AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { ChatResult } from "@langchain/core/outputs";
import { ChatOpenAI } from "@langchain/openai";
import { expect, it } from "vitest";
import { type ModelCallError, ResilientChatModel } from "@threadkeep/resilient-llm";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

/** A model of some other provider: no HTTP to watch, errors of its own making. */
class OtherProviderModel extends BaseChatModel {
  readonly #error: unknown;
  calls = 0;

  constructor(error: unknown) {
    super({ maxRetries: 0 });
    this.#error = error;
  }

  override _llmType(): string {
    return "other";
  }

  override async _generate(_messages: BaseMessage[]): Promise<ChatResult> {
    this.calls += 1;
    throw this.#error;
  }
}

/** Takes the question and neither answers nor listens to its signal. */
class DeafModel extends OtherProviderModel {
  override async _generate(): Promise<ChatResult> {
    this.calls += 1;
    return new Promise<ChatResult>(() => {});
  }
}

it("a model that ignores its signal cannot hold up an abort or outlast a time limit", async () => {
  const deaf = new DeafModel(undefined);
  const { model } = createModel([], {
    models: [deaf],
    timeout: { totalMs: 5000, firstTokenMs: 5000 },
    retry: { maxRetries: 1 },
  });
  const timedOut = { code: "TIMEOUT" };
  expect(await rejection(model.invoke("hi"))).toMatchObject(timedOut);
  const stream = async () => Array.fromAsync(await model.stream("hi"));
  expect(await rejection(stream())).toMatchObject(timedOut);
  expect(deaf.calls).toBe(4);

  const patient = createModel([], { models: [deaf] }).model;
  const controller = new AbortController();
  const error = rejection(patient.invoke("hi", { signal: controller.signal }));
  await expect.poll(() => deaf.calls).toBe(5);
  const abortedAt = performance.now();
  controller.abort(new Error("the user left"));
  expect(String(await error)).toContain("the user left");
  expect(performance.now() - abortedAt).toBeLessThan(50);
});

it("a given ChatOpenAI is copied before it is watched, and does not change", async () => {
  const server = await startServer(replies.stream({ text: "half" }), replies.streamText("whole"));
  const own = new ChatOpenAI({
    model: "own",
    apiKey: "sk-own-0123456789",
    configuration: { baseURL: server.baseURL },
    temperature: 0.25,
    streaming: true,
  });
  const { model } = createModel([], { models: [own], streamRecovery: "restart" });
  const chunks = await Array.fromAsync(await model.stream("hi"));
  expect(chunks.reduce((whole, chunk) => whole.concat(chunk)).text).toBe("whole");
  expect(server.requests[0]?.body).toMatchObject({ model: "own", temperature: 0.25 });
  server.play(replies.answer("at once"));
  expect((await model.invoke("hi")).text).toBe("at once");
  // Unwatched, LangChain takes the half for the whole.
  server.play(replies.stream({ text: "half" }));
  expect((await Array.fromAsync(await own.stream("hi"))).map((chunk) => chunk.text).join("")).toBe(
    "half",
  );
});

it("any chat model can be a candidate, streaming or not", async () => {
  const list = new ResilientChatModel({
    models: [new FakeListChatModel({ responses: ["hello"], maxRetries: 0 })],
  });
  expect((await list.invoke("hi")).text).toBe("hello");
  const streaming = new ResilientChatModel({
    models: [
      new FakeStreamingChatModel({
        maxRetries: 0,
        chunks: [new AIMessageChunk("a "), new AIMessageChunk("b")],
      }),
    ],
  });
  const chunks = await Array.fromAsync(await streaming.stream("hi"));
  expect(chunks.map((chunk) => chunk.text).join("")).toBe("a b");
});

it("errors of other providers' SDKs are classified by status, code and headers", async () => {
  const second = await startServer(replies.answer("from second"));
  const outcomeOf = async (error: unknown) => {
    const other = new OtherProviderModel(error);
    const { model } = createModel([second], {
      models: [
        { model: other, contextWindowTokens: 1000 },
        // No larger: a prompt that is too long for one is too long for both.
        { model: "b", baseURL: second.baseURL, contextWindowTokens: 1000 },
      ],
    });
    try {
      const { text } = await model.invoke("hi");
      return [other.calls, text];
    } catch (thrown) {
      return [other.calls, (thrown as ModelCallError).code];
    }
  };
  const refused = Object.assign(new Error("x"), { code: "ECONNREFUSED" });
  const tooLong = { type: "invalid_request_error", message: "prompt is too long" };
  expect(await outcomeOf(Object.assign(new Error("busy"), { status: 529 }))).toEqual([
    4,
    "from second",
  ]);
  expect(
    await outcomeOf(Object.assign(new Error("400"), { status: 400, error: { error: tooLong } })),
  ).toEqual([1, "CONTEXT_LENGTH_EXCEEDED"]);
  expect(await outcomeOf(Object.assign(new Error("no"), { response: { status: 401 } }))).toEqual([
    1,
    "AUTHENTICATION_FAILED",
  ]);
  expect(await outcomeOf(new TypeError("fetch failed", { cause: refused }))).toEqual([
    4,
    "from second",
  ]);
  expect(await outcomeOf(new Error("something else"))).toEqual([1, "from second"]);
});

it("a model that retries by itself causes a warning", async () => {
  const warned = new Promise<Error>((resolve) => {
    process.once("warning", resolve);
  });
  const model = new ResilientChatModel({ models: [new FakeListChatModel({ responses: ["x"] })] });
  expect(model.models).toHaveLength(1);
  expect((await warned).message).toContain("maxRetries: 0");
});

it("a probe that ends by an error of this process does not block the next probe", async () => {
  const second = await startServer(replies.answer("from second"));
  /** Fails in turn with what it is given, then answers. */
  class RecoveringModel extends FakeListChatModel {
    readonly errors = [
      Object.assign(new Error("down"), { status: 500 }),
      new Error("a bug in the adapter"),
    ];

    override async _generate(...parameters: Parameters<FakeListChatModel["_generate"]>) {
      const error = this.errors.shift();
      if (error) throw error;
      return super._generate(...parameters);
    }
  }
  const { model } = createModel([], {
    models: [
      new RecoveringModel({ responses: ["from first"], maxRetries: 0 }),
      { model: "b", baseURL: second.baseURL },
    ],
    retry: { maxRetries: 0 },
    breaker: { minimumAttempts: 1, windowSize: 1, openMs: 1000 },
    fallback: { stickyMs: 0 },
  });
  const ask = async () => {
    const { text } = await model.invoke("hi");
    // Until the next probe is due.
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    return text;
  };
  expect([await ask(), await ask(), await ask()]).toEqual([
    "from second",
    "from second",
    "from first",
  ]);
});
