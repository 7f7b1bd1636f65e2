import { ResilientChatModel } from "@threadkeep/resilient-llm";
import type { Entrant } from "./contender.ts";
import { joinText } from "./join-text.ts";

/** This package, with its defaults. */
export const RESILIENT: Entrant = {
  name: "ResilientChatModel",
  id: "resilient",
  start: ({ backup, baseURL, idleMs, primary, timeoutMs }) => {
    const model = new ResilientChatModel({
      models: [primary, backup],
      baseURL,
      apiKey: "none",
      timeout: { connectMs: timeoutMs, firstTokenMs: timeoutMs, idleMs },
    });
    return Promise.resolve({
      ask: async (question) => joinText(await model.stream(question)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
};
