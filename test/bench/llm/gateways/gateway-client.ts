import { ChatOpenAI } from "@langchain/openai";
import type { Contender } from "../contenders/contender.ts";
import { joinText } from "../contenders/join-text.ts";

/** A client of a gateway. The gateway retries and limits times; the client waits for what it says. */
export function createGatewayClient(
  baseURL: string,
  model: string,
  {
    apiKey = "none",
    headers = {},
  }: { readonly apiKey?: string; readonly headers?: Readonly<Record<string, string>> },
): Contender["ask"] {
  const client = new ChatOpenAI({
    model,
    apiKey,
    maxRetries: 0,
    configuration: { baseURL, defaultHeaders: headers },
  });
  return async (question) => joinText(await client.stream(question));
}
