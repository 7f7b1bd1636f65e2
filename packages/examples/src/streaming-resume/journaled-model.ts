import { type CallJournal, ResilientChatModel } from "@threadkeep/resilient-llm";
import { articleScript } from "./article-script.ts";
import { ScriptedModel } from "./scripted-model.ts";

const DEFAULT_MODELS = "gpt-4.1-mini,gpt-4.1-nano";
const DEFAULT_WORD_MS = 20;

/**
 * The models that the environment names, see `.env.example`; without a key a script. Their answers are journaled as they
 * come: every 10 tokens here, so that little is lost.
 */
export function openJournaledModel(
  environment: NodeJS.ProcessEnv,
  store: CallJournal,
): ResilientChatModel {
  const { OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL, SCRIPTED_WORD_MS } = environment;
  const journal = { store, everyTokens: 10, everyMs: 100, leaseMs: 1_000 };
  const model =
    OPENAI_API_KEY || OPENAI_BASE_URL
      ? new ResilientChatModel({
          models: (OPENAI_MODEL || DEFAULT_MODELS).split(",").map((name) => name.trim()),
          baseURL: OPENAI_BASE_URL || undefined,
          // A server of your own often wants no key, but the client wants one.
          apiKey: OPENAI_API_KEY || "none",
          journal,
        })
      : openScript(Number(SCRIPTED_WORD_MS || DEFAULT_WORD_MS), journal);
  model.subscribe((event) => {
    if (event.type === "journal-resumed") {
      console.error(`· ${event.keptText.length} characters were kept; the rest is asked for`);
    }
    if (event.type === "journal-replayed") console.error("· the whole answer was kept");
  });
  return model;
}

function openScript(
  wordMs: number,
  journal: ConstructorParameters<typeof ResilientChatModel>[0]["journal"],
): ResilientChatModel {
  console.error("· a script answers; with OPENAI_API_KEY, in .env for instance, a model does");
  const models = [new ScriptedModel({ script: articleScript, wordMs })];
  return new ResilientChatModel({ models, journal });
}
