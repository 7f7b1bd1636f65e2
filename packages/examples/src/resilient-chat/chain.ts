import type { ResilientChatModelOptions } from "@threadkeep/resilient-llm";
import { holySheep } from "@threadkeep/resilient-llm/presets/holysheep";
import { Outage, type OutagePlan } from "../shared/model-server/outage.ts";
import { ScriptedModelServer } from "../shared/model-server/scripted-model-server.ts";
import { chatScript } from "./chat-script.ts";

/** Models to talk to, in the order in which they are asked. */
export interface Chain extends AsyncDisposable {
  /** Where they come from, for people. */
  title: string;
  options: Pick<ResilientChatModelOptions, "apiKey" | "baseURL" | "models">;
}

const DEFAULT_MODELS = "gpt-4.1-mini,gpt-4.1-nano";

/** The models that the environment names; see `--help`. */
export async function openChain(environment: NodeJS.ProcessEnv): Promise<Chain> {
  const { HOLYSHEEP_API_KEY, OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL } = environment;
  if (HOLYSHEEP_API_KEY) return remote("HolySheep", holySheep({ apiKey: HOLYSHEEP_API_KEY }));
  if (OPENAI_API_KEY || OPENAI_BASE_URL) {
    const models = (OPENAI_MODEL || DEFAULT_MODELS).split(",").map((name) => name.trim());
    return remote(OPENAI_BASE_URL || "OpenAI", {
      models,
      baseURL: OPENAI_BASE_URL || undefined,
      // A server of one's own often wants no key, but the client wants one.
      apiKey: OPENAI_API_KEY || "none",
    });
  }
  return openScriptedChain();
}

function remote(title: string, options: Chain["options"]): Chain {
  return { title, options, [Symbol.asyncDispose]: async () => {} };
}

/** The first model is down when a process begins, so that each one falls back. */
const SCRIPTED_OUTAGE: OutagePlan = {
  model: "scripted-large",
  refusals: [{ from: 1, to: 1, status: 503, pauseMs: 120_000 }],
};

async function openScriptedChain(): Promise<Chain> {
  const server = new ScriptedModelServer(chatScript, { tokenMs: 15 }, new Outage(SCRIPTED_OUTAGE));
  const baseURL = await server.start();
  return {
    title: "scripted answers at made-up prices; set OPENAI_API_KEY for a real model",
    options: {
      // No price table knows these; a budget in USD needs to know what a call may cost.
      models: [
        {
          model: "scripted-large",
          pricing: { inputPerMillionUsd: 2, outputPerMillionUsd: 8 },
          maxOutputTokens: 500,
        },
        {
          model: "scripted-small",
          pricing: { inputPerMillionUsd: 0.4, outputPerMillionUsd: 1.6 },
          maxOutputTokens: 500,
        },
      ],
      baseURL,
      apiKey: "scripted",
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
