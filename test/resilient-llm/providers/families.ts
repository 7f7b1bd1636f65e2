import { ANTHROPIC } from "./anthropic.ts";
import { DASHSCOPE, IN_BAND, MOONSHOT, ZHIPU } from "./chinese-providers.ts";
import { DEEPSEEK } from "./deepseek.ts";
import { GATEWAYS } from "./gateways.ts";
import { GOOGLE } from "./google.ts";
import { GROQ } from "./groq.ts";
import { HOSTS, LOCAL_SERVERS } from "./hosts.ts";
import { MISTRAL } from "./mistral.ts";
import { OPENAI } from "./openai.ts";
import { OPENROUTER } from "./openrouter.ts";
import type { ProviderFamily } from "./provider-row.ts";
import { XAI } from "./xai.ts";

/** Every family, in the order of the page. */
export const FAMILIES: readonly ProviderFamily[] = [
  OPENAI,
  ANTHROPIC,
  GOOGLE,
  GROQ,
  DEEPSEEK,
  OPENROUTER,
  MISTRAL,
  XAI,
  MOONSHOT,
  DASHSCOPE,
  ZHIPU,
  IN_BAND,
  HOSTS,
  LOCAL_SERVERS,
  GATEWAYS,
];
