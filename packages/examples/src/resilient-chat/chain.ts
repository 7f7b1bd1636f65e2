import type { ResilientChatModelOptions } from "@threadkeep/resilient-llm";
import { holySheep } from "@threadkeep/resilient-llm/presets/holysheep";
import { chatScript } from "./chat-script.ts";
import { ScriptedModel } from "./scripted-model.ts";

/** Models to talk to, in the order in which they are asked. */
export interface Chain {
  /** Where they come from, for people. */
  readonly title: string;
  readonly options: Pick<ResilientChatModelOptions, "apiKey" | "baseURL" | "models">;
}

const DEFAULT_MODELS = "gpt-4.1-mini,gpt-4.1-nano";
const DEFAULT_WORD_MS = 20;

/** The models that the environment names, see `.env.example`; without a key a script. */
export function findChain(environment: NodeJS.ProcessEnv): Chain {
  const { HOLYSHEEP_API_KEY, OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL } = environment;
  if (HOLYSHEEP_API_KEY) {
    return { title: "HolySheep", options: holySheep({ apiKey: HOLYSHEEP_API_KEY }) };
  }
  if (OPENAI_API_KEY || OPENAI_BASE_URL) {
    return {
      title: OPENAI_BASE_URL || "OpenAI",
      options: {
        models: (OPENAI_MODEL || DEFAULT_MODELS).split(",").map((name) => name.trim()),
        baseURL: OPENAI_BASE_URL || undefined,
        // A server of your own often wants no key, but the client wants one.
        apiKey: OPENAI_API_KEY || "none",
      },
    };
  }
  return scriptedChain(Number(environment["SCRIPTED_WORD_MS"] || DEFAULT_WORD_MS));
}

/** The first model is down when a process begins, so there is a fallback to see. */
function scriptedChain(wordMs: number): Chain {
  const script = chatScript;
  return {
    title: "scripted answers at made-up prices; with OPENAI_API_KEY a model answers",
    options: {
      // No price table knows these. A budget in USD needs to know what a call may cost.
      models: [
        {
          model: new ScriptedModel({ script, wordMs, name: "scripted-large", refusals: 1 }),
          pricing: { inputPerMillionUsd: 2, outputPerMillionUsd: 8 },
          maxOutputTokens: 500,
        },
        {
          model: new ScriptedModel({ script, wordMs, name: "scripted-small" }),
          pricing: { inputPerMillionUsd: 0.4, outputPerMillionUsd: 1.6 },
          maxOutputTokens: 500,
        },
      ],
    },
  };
}
