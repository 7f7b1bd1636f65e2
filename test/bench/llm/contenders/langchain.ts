import { ChatOpenAI } from "@langchain/openai";
import {
  createAgent,
  type AgentMiddleware,
  modelFallbackMiddleware,
  modelRetryMiddleware,
} from "langchain";
import type { Contender, ContenderSettings, Entrant } from "./contender.ts";
import { joinText } from "./join-text.ts";

function createChatOpenAI(
  { baseURL, timeoutMs }: ContenderSettings,
  model: string,
  maxRetries?: number,
): ChatOpenAI {
  return new ChatOpenAI({
    model,
    apiKey: "none",
    timeout: timeoutMs,
    configuration: { baseURL },
    ...(maxRetries === undefined ? {} : { maxRetries }),
  });
}

/** A contender that runs in this process, where nothing has to be ended. */
function createContender(ask: Contender["ask"]): Promise<Contender> {
  return Promise.resolve({ ask, [Symbol.asyncDispose]: () => Promise.resolve() });
}

/** The usual ways of LangChain.js to live with failing models. */
export const LANGCHAIN: readonly Entrant[] = [
  {
    name: "ChatOpenAI",
    id: "chat-openai",
    start: (settings) => {
      const model = createChatOpenAI(settings, settings.primary);
      return createContender(async (question) => joinText(await model.stream(question)));
    },
  },
  {
    name: "withRetry + withFallbacks",
    id: "with-retry",
    start: (settings) => {
      const create = (model: string) =>
        createChatOpenAI(settings, model, 0).withRetry({ stopAfterAttempt: 4 });
      const chained = create(settings.primary).withFallbacks([create(settings.backup)]);
      return createContender(async (question) => joinText(await chained.stream(question)));
    },
  },
  {
    name: "createAgent + middleware",
    id: "create-agent",
    start: (settings) => {
      const agent = createAgent({
        model: createChatOpenAI(settings, settings.primary, 0),
        tools: [],
        middleware: [
          modelFallbackMiddleware(createChatOpenAI(settings, settings.backup, 0)),
          // Its type does not stand up to exactOptionalPropertyTypes.
          modelRetryMiddleware({ maxRetries: 3, onFailure: "error" }) as AgentMiddleware,
        ],
      });
      return createContender(async (question) => {
        // Streamed like the others: tokens to the screen, and in the end the state.
        let text = "";
        const input = { messages: [{ role: "user", content: question }] };
        const stream = await agent.stream(input, { streamMode: ["messages", "values"] });
        for await (const [mode, payload] of stream) {
          if (mode === "values") text = payload.messages.at(-1)?.text ?? "";
        }
        return text;
      });
    },
  },
];
