import type { ProviderFamily } from "./provider-row.ts";
import { completion, delta, DONE, openAiError, streamedText } from "./shapes.ts";

function anthropicError(type: string, message: string): object {
  return { type: "error", error: { type, message }, request_id: "req_1" };
}

/** Anthropic, its OpenAI-compatible endpoint, and Bedrock. */
export const ANTHROPIC: ProviderFamily = {
  name: "Anthropic and Bedrock",
  errors: [
    {
      sends: "429 rate_limit_error",
      status: 429,
      headers: { "retry-after": "4" },
      body: anthropicError(
        "rate_limit_error",
        "This request would exceed your organization's rate limit of 40,000 input tokens per minute.",
      ),
      means: "rate-limited",
      waitsMs: 4000,
    },
    {
      sends: "529 overloaded_error",
      status: 529,
      body: anthropicError("overloaded_error", "Overloaded"),
      means: "server-error",
    },
    {
      sends: "401 authentication_error",
      status: 401,
      body: anthropicError("authentication_error", "invalid x-api-key"),
      means: "authentication",
    },
    {
      sends: "404 not_found_error",
      status: 404,
      body: anthropicError("not_found_error", "model: claude-9"),
      means: "not-found",
    },
    {
      sends: "400 without credits",
      status: 400,
      body: anthropicError(
        "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
      ),
      means: "quota-exhausted",
    },
    {
      sends: "400 prompt is too long",
      status: 400,
      body: anthropicError(
        "invalid_request_error",
        "prompt is too long: 208310 tokens > 200000 maximum",
      ),
      means: "context-length",
      windowTokens: 200_000,
    },
    {
      sends: "400 for a prompt and max_tokens that do not fit together",
      status: 400,
      body: anthropicError(
        "invalid_request_error",
        "input length and `max_tokens` exceed context limit: 195000 + 8192 > 200000, decrease input length or `max_tokens` and try again",
      ),
      means: "context-length",
      windowTokens: 200_000,
    },
    {
      sends: "413 request_too_large",
      status: 413,
      body: anthropicError("request_too_large", "Request exceeds the maximum size"),
      means: "context-length",
    },
    {
      sends: "400 for more answer tokens than the model can give",
      status: 400,
      body: anthropicError(
        "invalid_request_error",
        "max_tokens: 10000 > 8192, which is the maximum allowed number of output tokens for claude-3-5-sonnet",
      ),
      means: "unsupported",
    },
    {
      sends: "400 for a tool call without its result",
      status: 400,
      body: anthropicError(
        "invalid_request_error",
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1.",
      ),
      means: "bad-request",
      isFinal: true,
    },
    {
      sends: "Bedrock: 400 Input is too long",
      status: 400,
      body: { message: "Input is too long for requested model." },
      means: "context-length",
    },
    {
      sends: "Bedrock: 400 with both counts",
      status: 400,
      body: openAiError(
        "Too many input tokens. Max input tokens: 8192, request input token count: 9000 ",
      ),
      means: "context-length",
      windowTokens: 8192,
    },
    {
      sends: "Bedrock: 429 ThrottlingException",
      status: 429,
      body: {
        __type: "ThrottlingException",
        message: "Too many tokens, please wait before trying again.",
      },
      means: "rate-limited",
    },
  ],
  answers: [
    {
      sends: "refusal as finish reason",
      whole: completion({ content: "" }, "refusal"),
      streamed: [delta({ role: "assistant", content: "" }), delta({}, "refusal"), DONE],
      means: "content-filter",
    },
    {
      sends: "model_context_window_exceeded as finish reason",
      whole: completion({ content: "Half of" }, "model_context_window_exceeded"),
      streamed: [...streamedText("Half of"), delta({}, "model_context_window_exceeded"), DONE],
      gives: { text: "Half of", cutAtLimit: true },
    },
    {
      sends: "an overload in the middle of a stream",
      streamed: [
        delta({ role: "assistant", content: "" }),
        'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}\n\n',
      ],
      means: "server-error",
    },
  ],
};
