import { ChatOpenAI } from "@langchain/openai";
import { ResilientChatModel } from "@threadkeep/resilient-llm";

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
