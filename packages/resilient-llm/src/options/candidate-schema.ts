import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { z } from "zod";
import type { ModelOption } from "./candidate-options.ts";
import { chatOpenAIFields } from "./chat-openai-fields.ts";
import { positiveCount, secret, shownName, url } from "./value-schemas.ts";

const chatModel = z
  .custom<BaseChatModel>(
    (value) =>
      typeof value === "object" && value !== null && "invoke" in value && "lc_namespace" in value,
    "a LangChain chat model",
  )
  .refine(
    (model) => !(readOwnRetries(model) > 0),
    "a ChatOpenAI without maxRetries, because retry.maxRetries sets the retries",
  );

/** Retries that a `ChatOpenAI` was told to make. It makes none here, so they would be ignored. */
function readOwnRetries(model: BaseChatModel): number {
  const { fields } = model as { readonly fields?: { readonly maxRetries?: number } };
  return fields?.maxRetries ?? 0;
}

const priceUsd = z.number().nonnegative();

/** What a candidate and each of its endpoints may say. */
const shared = {
  name: shownName.optional(),
  baseURL: url.optional(),
  apiKey: secret.optional(),
  provider: shownName.optional(),
  pricing: z
    .union([
      z.strictObject({
        inputPerMillionUsd: priceUsd,
        outputPerMillionUsd: priceUsd,
        cachedInputPerMillionUsd: priceUsd.optional(),
        cacheWritePerMillionUsd: priceUsd.optional(),
      }),
      z.literal("free"),
    ])
    .optional(),
  contextWindowTokens: positiveCount.optional(),
  maxOutputTokens: positiveCount.optional(),
  acceptsPrefill: z.boolean().optional(),
  profile: z.record(z.string(), z.unknown()).optional(),
  rateLimit: z
    .strictObject({
      requestsPerMinute: positiveCount.optional(),
      tokensPerMinute: positiveCount.optional(),
    })
    .optional(),
  fields: chatOpenAIFields.optional(),
};

/** Says what is expected at `path`. */
type Refuse = (path: (string | number)[], expected: string) => void;

interface OneModel {
  readonly model?: string | BaseChatModel | undefined;
  readonly baseURL?: unknown;
  readonly apiKey?: unknown;
  readonly maxOutputTokens?: number | undefined;
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

/** Options that say the same thing twice, or that a LangChain model would not see. */
function checkTogether(given: OneModel, refuse: Refuse): void {
  for (const name of ["baseURL", "apiKey", "fields"] as const) {
    if (typeof given.model === "object" && given[name] !== undefined) {
      refuse([name], `nothing beside a LangChain chat model, which has its own ${name}`);
    }
  }
  if (given.maxOutputTokens !== undefined && given.fields?.["maxTokens"] !== undefined) {
    refuse(["fields", "maxTokens"], "nothing beside maxOutputTokens, which is the same limit");
  }
}

const endpoint = z
  .strictObject({
    ...shared,
    model: z.union([shownName, chatModel]).optional(),
    weight: z.number().positive().optional(),
    canary: z.number().gt(0).lt(1).optional(),
  })
  .superRefine((given, context) => {
    const refuse: Refuse = (path, message) => {
      context.addIssue({ code: "custom", path, message });
    };
    checkTogether(given, refuse);
    if (given.canary !== undefined && given.weight !== undefined) {
      refuse(["weight"], "nothing beside canary, which is the endpoint's share");
    }
  });

const endpoints = z
  .array(endpoint)
  .min(1)
  .superRefine((given, context) => {
    const refuse: Refuse = (path, message) => {
      context.addIssue({ code: "custom", path, message });
    };
    const shares = given.map(({ canary = 0 }) => canary);
    if (given.length > 0 && shares.every((share) => share > 0)) {
      refuse([], "at least one endpoint that is not a canary");
    } else if (
      shares.every((share) => share < 1) &&
      shares.reduce((sum, share) => sum + share, 0) >= 1
    ) {
      refuse([], "canary shares that leave something to the other endpoints: below 1 together");
    }
  });

const candidate = z
  .strictObject({
    ...shared,
    model: z.union([shownName, chatModel]),
    endpoints: endpoints.optional(),
  })
  .superRefine((given, context) => {
    const refuse: Refuse = (path, message) => {
      context.addIssue({ code: "custom", path, message });
    };
    checkTogether(given, refuse);
    if (given.endpoints === undefined) return;
    if (typeof given.model === "object") {
      refuse(["endpoints"], "nothing beside a LangChain chat model, which has its own endpoint");
    }
    for (const [index, { fields }] of given.endpoints.entries()) {
      if (given.maxOutputTokens === undefined || fields?.["maxTokens"] === undefined) continue;
      const path = ["endpoints", index, "fields", "maxTokens"];
      refuse(path, "maxOutputTokens of the endpoint instead, because the candidate has that limit");
    }
  });

/** The option `models`. */
export const models: z.ZodType<readonly ModelOption[]> = z
  .array(z.union([shownName, chatModel, candidate]))
  .min(1);
