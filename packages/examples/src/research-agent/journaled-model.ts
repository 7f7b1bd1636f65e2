import { type JournalOptions, ResilientChatModel } from "@threadkeep/resilient-llm";
import { researchScript } from "./research-script.ts";
import { ScriptedModel } from "./scripted-model.ts";

const DEFAULT_MODELS = "gpt-4.1-mini,gpt-4.1-nano";
const DEFAULT_WORD_MS = 20;

/** The models that the environment names, see `.env.example`; without a key a script. Their answers are journaled. */
export function openJournaledModel(
  environment: NodeJS.ProcessEnv,
  journal: JournalOptions,
): ResilientChatModel {
  const { OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL, SCRIPTED_WORD_MS } = environment;
  if (OPENAI_API_KEY || OPENAI_BASE_URL) {
    return new ResilientChatModel({
      models: (OPENAI_MODEL || DEFAULT_MODELS).split(",").map((name) => name.trim()),
      baseURL: OPENAI_BASE_URL || undefined,
      // A server of your own often wants no key, but the client wants one.
      apiKey: OPENAI_API_KEY || "none",
      journal,
    });
  }
  console.error("· a script answers; with OPENAI_API_KEY, in .env for instance, a model does");
  const wordMs = Number(SCRIPTED_WORD_MS || DEFAULT_WORD_MS);
  const models = [new ScriptedModel({ script: researchScript, wordMs })];
  return new ResilientChatModel({ models, journal });
}
