import type { ProviderFamily } from "./provider-row.ts";
import { completion, delta, DONE, openAiError, streamedText } from "./shapes.ts";

/** Mistral. */
export const MISTRAL: ProviderFamily = {
  name: "Mistral",
  errors: [
    {
      sends: "400 invalid_model",
      status: 400,
      body: {
        object: "error",
        message: "Invalid model: mistral-huge",
        type: "invalid_model",
        param: null,
        code: "1500",
      },
      means: "not-found",
    },
    {
      sends: "400 for tool-call ids that are not of its form",
      status: 400,
      body: {
        object: "error",
        message: "Tool call id was call_abc123 but must be a-z, A-Z, 0-9, with a length of 9.",
        type: "invalid_request_message_order",
        param: null,
        code: "3280",
      },
      means: "unsupported",
    },
    {
      sends: "422 for a field it does not know",
      status: 422,
      body: {
        detail: [
          {
            type: "extra_forbidden",
            loc: ["body", "logit_bias"],
            msg: "Extra inputs are not permitted",
            input: {},
          },
        ],
      },
      means: "unsupported",
    },
    {
      sends: "400 for a prompt that is too long",
      status: 400,
      body: {
        object: "error",
        message:
          "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        type: "invalid_request_error",
        code: "3051",
      },
      means: "context-length",
      windowTokens: 32_768,
    },
    {
      sends: "401 Unauthorized",
      status: 401,
      body: { detail: "Unauthorized" },
      means: "authentication",
    },
    {
      sends: "429 Service tier capacity exceeded",
      status: 429,
      body: openAiError("Service tier capacity exceeded for this model.", {
        type: "invalid_request_error",
        code: "3505",
      }),
      means: "rate-limited",
    },
  ],
  answers: [
    {
      sends: "content in parts, with thinking",
      whole: completion({
        content: [
          { type: "thinking", thinking: [{ type: "text", text: "Let me think" }] },
          { type: "text", text: "42" },
        ],
      }),
      streamed: [
        delta({
          role: "assistant",
          content: [{ type: "thinking", thinking: [{ type: "text", text: "Let me think" }] }],
        }),
        delta({ content: [{ type: "text", text: "4" }] }),
        delta({ content: "2" }),
        delta({}, "stop"),
        DONE,
      ],
      gives: { text: "42", reasoning: "Let me think" },
    },
    {
      sends: "JSON in parts, for a schema",
      whole: completion({
        content: [
          { type: "text", text: '{"city": ' },
          { type: "text", text: '"Paris"}' },
        ],
      }),
      gives: {
        text: '{"city": "Paris"}',
        parsed: { method: "jsonSchema", value: { city: "Paris" } },
      },
    },
    {
      sends: "model_length as finish reason",
      whole: completion({ content: "Half of" }, "model_length"),
      streamed: [...streamedText("Half of"), delta({}, "model_length"), DONE],
      gives: { text: "Half of", cutAtLimit: true },
    },
  ],
};
