import type { ProviderFamily } from "./provider-row.ts";
import { openAiError } from "./shapes.ts";

/** Groq. */
export const GROQ: ProviderFamily = {
  name: "Groq",
  errors: [
    {
      sends: "429 that names its wait in minutes and seconds",
      status: 429,
      body: openAiError(
        "Rate limit reached for model `llama-3.3-70b` in organization `org_1` on tokens per day (TPD): Limit 100000, Used 99000, Requested 1500. Please try again in 7m12.3s.",
        { type: "tokens", code: "rate_limit_exceeded" },
      ),
      means: "rate-limited",
      waitsMs: 432_300,
    },
    {
      sends: "429 with a wait below a second",
      status: 429,
      body: openAiError("Rate limit reached. Please try again in 0m0.3s.", {
        code: "rate_limit_exceeded",
      }),
      means: "rate-limited",
      waitsMs: 300,
    },
    {
      sends: "413 rate_limit_exceeded",
      status: 413,
      body: openAiError("Rate limit reached for model `llama-3.1-8b` on tokens per minute (TPM).", {
        type: "tokens",
        code: "rate_limit_exceeded",
      }),
      means: "rate-limited",
    },
    {
      sends: "413 for a request larger than the limit",
      status: 413,
      body: openAiError(
        "Request too large for model `llama-3.1-8b` on tokens per minute (TPM): Limit 6000, Requested 9000, please reduce your message size and try again.",
        { type: "tokens", code: "rate_limit_exceeded" },
      ),
      means: "exceeds-rate-limit",
    },
    {
      sends: "498 capacity_exceeded of the flex tier",
      status: 498,
      body: openAiError("Flex tier capacity exceeded", { code: "capacity_exceeded" }),
      means: "rate-limited",
    },
    {
      sends: "498 without a body",
      status: 498,
      body: "",
      means: "rate-limited",
    },
    {
      sends: "400 model_decommissioned",
      status: 400,
      body: openAiError(
        "The model `mixtral-8x7b` has been decommissioned and is no longer supported.",
        {
          code: "model_decommissioned",
        },
      ),
      means: "not-found",
    },
    {
      sends: "400 tool_use_failed",
      status: 400,
      body: openAiError(
        "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
        { code: "tool_use_failed" },
      ),
      means: "failed-generation",
    },
    {
      sends: "400 json_validate_failed",
      status: 400,
      body: openAiError(
        "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details.",
        { code: "json_validate_failed" },
      ),
      means: "failed-generation",
    },
    {
      sends: "400 for a property it does not know",
      status: 400,
      body: openAiError(
        "'messages.0' : for 'role:user' the following must be satisfied[('messages.0' : property 'name' is unsupported)]",
      ),
      means: "unsupported",
    },
    {
      sends: "400 for messages that are too long",
      status: 400,
      body: openAiError("Please reduce the length of the messages or completion.", {
        code: "context_length_exceeded",
        param: "messages",
      }),
      means: "context-length",
    },
  ],
};
