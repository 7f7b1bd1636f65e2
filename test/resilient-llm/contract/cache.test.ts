import { InMemoryCache } from "@langchain/core/caches";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { ChatOpenAI } from "@langchain/openai";
import { expect, it } from "vitest";
import { z } from "zod";
import {
  ResilientChatModel,
  type ModelOption,
  type ResilientChatModelOptions,
} from "@threadkeep/resilient-llm";
import type { FaultServer } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { rejection, startServer, testKey } from "../testing/test-model.ts";

const prompt = [new HumanMessage("hi")];

/** A model whose answers are kept in `cache`. */
function createCached(
  server: FaultServer,
  cache: InMemoryCache,
  options: Partial<ResilientChatModelOptions> = {},
): ResilientChatModel {
  return new ResilientChatModel({
    models: ["a"],
    baseURL: server.baseURL,
    apiKey: testKey,
    cache,
    ...options,
  });
}

/** A server that numbers its answers. */
async function startCounting(): Promise<FaultServer> {
  const server = await startServer();
  server.playScript(({ index }) => replies.answer(`answer ${index}`));
  return server;
}

it("the same model and prompt are answered from the cache", async () => {
  const server = await startCounting();
  const cache = new InMemoryCache();
  const first = await createCached(server, cache).invoke(prompt);
  const second = await createCached(server, cache).invoke(prompt);
  expect([first.text, second.text]).toEqual(["answer 0", "answer 0"]);
  expect(server.requests).toHaveLength(1);
});

it("another key, or a signal, makes no other answer", async () => {
  const server = await startCounting();
  const cache = new InMemoryCache();
  await createCached(server, cache).invoke(prompt);
  await createCached(server, cache, { apiKey: "sk-another-0123456789" }).invoke(prompt);
  await createCached(server, cache).invoke(prompt, { signal: new AbortController().signal });
  expect(server.requests).toHaveLength(1);
});

const add = (description: string) =>
  tool(() => "x", { name: "add", description, schema: z.object({ a: z.number() }) });

type Variant = (server: FaultServer) => {
  readonly options?: Partial<ResilientChatModelOptions>;
  readonly call?: object;
};

const variants: Readonly<Record<string, Variant>> = {
  plain: () => ({}),
  "a temperature": () => ({ options: { models: [{ model: "a", fields: { temperature: 0 } }] } }),
  "another temperature": () => ({
    options: { models: [{ model: "a", fields: { temperature: 1 } }] },
  }),
  top_p: () => ({ options: { models: [{ model: "a", fields: { topP: 0.5 } }] } }),
  modelKwargs: () => ({
    options: { models: [{ model: "a", fields: { modelKwargs: { min_p: 0.1 } } }] },
  }),
  "a limit of the answer": () => ({ options: { models: [{ model: "a", maxOutputTokens: 10 }] } }),
  "a header": () => ({
    options: {
      models: [{ model: "a", fields: { configuration: { defaultHeaders: { "x-route": "eu" } } } }],
    },
  }),
  "another model": () => ({ options: { models: ["b"] } }),
  "a second model": () => ({ options: { models: ["a", "b"] } }),
  "a trimmed prompt": () => ({ options: { context: { maxPromptTokens: 1000 } } }),
  "a ChatOpenAI": ({ baseURL }) => ({ options: { models: [createOpenAI(baseURL, 0.1)] } }),
  "a ChatOpenAI of another temperature": ({ baseURL }) => ({
    options: { models: [createOpenAI(baseURL, 0.2)] },
  }),
  "a call option": () => ({ call: { seed: 1 } }),
  "stop words": () => ({ call: { stop: ["x"] } }),
  "a tool": () => ({ call: { tools: [add("Adds two numbers")] } }),
  "the tool described in other words": () => ({ call: { tools: [add("Adds a number to b")] } }),
};

function createOpenAI(baseURL: string, temperature: number): ModelOption {
  return new ChatOpenAI({ model: "a", apiKey: testKey, temperature, configuration: { baseURL } });
}

it("whatever shapes an answer has a place of its own in the cache", async () => {
  const server = await startCounting();
  const cache = new InMemoryCache();
  const askAll = async () => {
    const texts: string[] = [];
    for (const create of Object.values(variants)) {
      const { options, call } = create(server);
      texts.push((await createCached(server, cache, options).invoke(prompt, call)).text);
    }
    return texts;
  };
  const texts = await askAll();
  expect(new Set(texts).size).toBe(Object.keys(variants).length);
  expect(await askAll()).toEqual(texts);
  expect(server.requests).toHaveLength(texts.length);
});

it("several endpoints of a model have one place in the cache, whatever their number, order and keys", async () => {
  const server = await startCounting();
  const other = await startCounting();
  const cache = new InMemoryCache();
  const [a, b] = [{ apiKey: "sk-a-0123456789" }, { apiKey: "sk-b-0123456789" }];
  const c = { ...b, baseURL: other.baseURL, model: "deployment-7" };
  const secretHeaders = {
    ...a,
    fields: { configuration: { defaultHeaders: { "api-key": "sk-a-0123456789" } } },
  };
  for (const endpoints of [[a, b], [b, a], [a], [c, a, b], [secretHeaders, b]]) {
    const models = [{ model: "a", fields: { temperature: 0 }, endpoints }];
    await createCached(server, cache, { models }).invoke(prompt);
  }
  expect(server.requests.length + other.requests.length).toBe(1);
  // What shapes the answer has a place of its own.
  for (const fields of [
    { temperature: 1 },
    { temperature: 0, configuration: { defaultHeaders: { "x-route": "eu" } } },
  ]) {
    await createCached(server, cache, {
      models: [{ model: "a", fields, endpoints: [a, b] }],
    }).invoke(prompt);
  }
  await createCached(server, cache, {
    models: [
      { model: "a", fields: { temperature: 0 }, endpoints: [a, { ...b, maxOutputTokens: 5 }] },
    ],
  }).invoke(prompt);
  expect(server.requests.length + other.requests.length).toBe(4);
});

it("a tool that is made again is the same tool", async () => {
  const server = await startCounting();
  const cache = new InMemoryCache();
  for (const _ of [1, 2])
    await createCached(server, cache).invoke(prompt, { tools: [add("Adds")] });
  expect(server.requests).toHaveLength(1);
});

it("LangChain models of other providers are told apart by what they were made with", async () => {
  const cache = new InMemoryCache();
  const ask = async (response: string) => {
    const models = [new FakeListChatModel({ responses: [response], maxRetries: 0 })];
    return (await new ResilientChatModel({ models, cache }).invoke(prompt)).text;
  };
  expect([await ask("one"), await ask("two"), await ask("one")]).toEqual(["one", "two", "one"]);
});

it("neither the cache's key nor a trace holds a secret", async () => {
  const server = await startCounting();
  const secret = "0123456789-header-secret";
  const models = [
    {
      model: "a",
      fields: { configuration: { defaultHeaders: { authorization: `Bearer ${secret}` } } },
    },
  ];
  const keys: string[] = [];
  class KeyLog extends InMemoryCache {
    override lookup(text: string, llmKey: string): ReturnType<InMemoryCache["lookup"]> {
      keys.push(text, llmKey);
      return super.lookup(text, llmKey);
    }
  }
  const model = createCached(server, new KeyLog(), { models });
  const mcp = { type: "mcp", server_label: "x", headers: { authorization: secret } };
  // The server does not speak the API that such a tool needs; the cache is asked before.
  await rejection(model.invoke(prompt, { tools: [mcp] }));
  const shown = JSON.stringify([keys, model.invocationParams({ tools: [mcp] })]);
  expect(keys).not.toEqual([]);
  expect(shown).toContain("server_label");
  expect(shown).not.toContain(secret);
  expect(shown).not.toContain(testKey);
});
