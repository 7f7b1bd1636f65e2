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

const candidate = z
  .strictObject({
    model: z.union([shownName, chatModel]),
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
  })
  .superRefine(({ model, maxOutputTokens, ...others }, context) => {
    const refuse = (path: string[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    for (const name of ["baseURL", "apiKey", "fields"] as const) {
      if (typeof model === "object" && others[name] !== undefined) {
        refuse([name], `nothing beside a LangChain chat model, which has its own ${name}`);
      }
    }
    if (maxOutputTokens !== undefined && others.fields?.["maxTokens"] !== undefined) {
      refuse(["fields", "maxTokens"], "nothing beside maxOutputTokens, which is the same limit");
    }
  });

/** The option `models`. */
export const models: z.ZodType<readonly ModelOption[]> = z
  .array(z.union([shownName, chatModel, candidate]))
  .min(1);
