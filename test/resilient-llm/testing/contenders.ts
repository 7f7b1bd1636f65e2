import type { AIMessageChunk } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import {
  createAgent,
  type AgentMiddleware,
  modelFallbackMiddleware,
  modelRetryMiddleware,
} from "langchain";
import { ResilientChatModel } from "@threadkeep/resilient-llm";

/** One way of calling a model with a fallback, as a benchmark sees it. */
export interface Contender {
  readonly name: string;
  /** Streams an answer and returns all of its text. */
  ask(question: string): Promise<string>;
}

/** What the contenders have in common. */
export interface ContenderSettings {
  readonly baseURL: string;
  readonly primary: string;
  readonly backup: string;
  /** Time limit for headers where a library has just one; for the first token where it has more. */
  readonly timeoutMs: number;
  /** Longest silence in a stream, for those that can limit it. */
  readonly idleMs: number;
}

async function join(stream: AsyncIterable<AIMessageChunk>): Promise<string> {
  let joined: AIMessageChunk | undefined;
  for await (const chunk of stream) joined = joined === undefined ? chunk : joined.concat(chunk);
  return joined?.text ?? "";
}

/** The usual ways of LangChain.js to live with failing models, and this package's. */
export function createContenders(settings: ContenderSettings): Contender[] {
  const { baseURL, primary, backup, timeoutMs, idleMs } = settings;
  const createChatOpenAI = (model: string, maxRetries?: number) =>
    new ChatOpenAI({
      model,
      apiKey: "none",
      timeout: timeoutMs,
      configuration: { baseURL },
      ...(maxRetries === undefined ? {} : { maxRetries }),
    });
  const bare = createChatOpenAI(primary);
  const chained = createChatOpenAI(primary, 0)
    .withRetry({ stopAfterAttempt: 4 })
    .withFallbacks([createChatOpenAI(backup, 0).withRetry({ stopAfterAttempt: 4 })]);
  const agent = createAgent({
    model: createChatOpenAI(primary, 0),
    tools: [],
    middleware: [
      modelFallbackMiddleware(createChatOpenAI(backup, 0)),
      // Its type does not stand up to exactOptionalPropertyTypes.
      modelRetryMiddleware({ maxRetries: 3, onFailure: "error" }) as AgentMiddleware,
    ],
  });
  const resilient = new ResilientChatModel({
    models: [primary, backup],
    baseURL,
    apiKey: "none",
    timeout: { connectMs: timeoutMs, firstTokenMs: timeoutMs, idleMs },
  });
  return [
    { name: "ChatOpenAI", ask: async (question) => join(await bare.stream(question)) },
    {
      name: "withRetry + withFallbacks",
      ask: async (question) => join(await chained.stream(question)),
    },
    {
      name: "createAgent + middleware",
      ask: async (question) => {
        // Streamed like the others: tokens to the screen, and in the end the state.
        let text = "";
        const input = { messages: [{ role: "user", content: question }] };
        const stream = await agent.stream(input, { streamMode: ["messages", "values"] });
        for await (const [mode, payload] of stream) {
          if (mode === "values") text = payload.messages.at(-1)?.text ?? "";
        }
        return text;
      },
    },
    {
      name: "ResilientChatModel",
      ask: async (question) => join(await resilient.stream(question)),
    },
  ];
}

/** The same model bare and wrapped, as alike as they can be. */
export function createOverheadPair(baseURL: string): {
  readonly bare: ChatOpenAI;
  readonly resilient: ResilientChatModel;
} {
  const model = "gpt-4.1";
  const apiKey = "none";
  return {
    bare: new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL } }),
    resilient: new ResilientChatModel({ models: [model], baseURL, apiKey }),
  };
}
