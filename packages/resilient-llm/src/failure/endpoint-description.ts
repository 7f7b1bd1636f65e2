import type { ClassifyOption } from "./classify-option.ts";

/** The endpoint a failure belongs to, as far as messages need it. */
export interface EndpointDescription {
  readonly model: string;
  readonly baseUrl: string;
  /** Where the key came from, for instance `OPENAI_API_KEY` or `the option apiKey`. */
  readonly apiKeySource: string;
  /** Values never to appear in a message. */
  readonly secrets: readonly string[];
  /** The user's own rules, asked before ours. */
  readonly classify?: ClassifyOption | undefined;
}
