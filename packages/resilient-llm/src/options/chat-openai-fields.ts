import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";
import { refused } from "./value-schemas.ts";

/** Fields that `ChatOpenAI` has beside those that it can be serialised with. */
const FURTHER_FIELDS = [
  "__includeRawResponse",
  "completions",
  "maxCompletionTokens",
  "organization",
  "outputVersion",
  "responses",
  "service_tier",
  "useResponsesApi",
] as const;

/** From the version that is installed, so that a field it adds is known too. */
const { lc_serializable_keys: installedFields } = ChatOpenAI.prototype;

/** Names that an option of the candidate or of the whole model stands for. */
const replaced = {
  model: refused("nothing here, because the candidate's option model is the name"),
  modelName: refused("nothing here, because the candidate's option model is the name"),
  apiKey: refused("nothing here, because the candidate's option apiKey is the key"),
  openAIApiKey: refused("nothing here, because the candidate's option apiKey is the key"),
  baseUrl: refused("nothing here, because the candidate's option baseURL is the address"),
  maxRetries: refused("nothing here, because retry.maxRetries sets the retries"),
  onFailedAttempt: refused("nothing here, because onEvent hears of failed attempts"),
  cache: refused("nothing here, because the model as a whole has the option cache"),
  callbacks: refused("nothing here, because the model as a whole has the option callbacks"),
  tags: refused("nothing here, because the model as a whole has the option tags"),
  metadata: refused("nothing here, because the model as a whole has the option metadata"),
  verbose: refused("nothing here, because the model as a whole has the option verbose"),
};

/** The fields of `ChatOpenAI` that a candidate may have. */
export const chatOpenAIFields: z.ZodType<Record<string, unknown>> = z.strictObject({
  ...Object.fromEntries(
    [...installedFields, ...FURTHER_FIELDS].map((name) => [name, z.unknown().optional()]),
  ),
  ...replaced,
  configuration: z
    .looseObject({
      baseURL: refused("nothing here, because the candidate's option baseURL is the address"),
      apiKey: refused("nothing here, because the candidate's option apiKey is the key"),
      maxRetries: refused("nothing here, because retry.maxRetries sets the retries"),
    })
    .optional(),
});
