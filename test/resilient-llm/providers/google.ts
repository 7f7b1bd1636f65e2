import type { ProviderFamily } from "./provider-row.ts";
import { completion, delta, DONE, streamedText, toolCall } from "./shapes.ts";

function googleError(code: number, status: string, message: string, details?: object[]): object {
  return { error: { code, message, status, ...(details ? { details } : {}) } };
}

const RETRY_INFO = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1.5s" };
const QUOTA_TEXT =
  "You exceeded your current quota, please check your plan and billing details. For more information on this error, head over to: https://ai.google.dev/gemini-api/docs/rate-limits.";

/** Gemini, also through its OpenAI-compatible endpoint, and Vertex AI. */
export const GOOGLE: ProviderFamily = {
  name: "Google (Gemini, Vertex AI)",
  errors: [
    {
      sends: "429 RESOURCE_EXHAUSTED that speaks of quota and billing, with its wait in the text",
      status: 429,
      body: googleError(429, "RESOURCE_EXHAUSTED", `${QUOTA_TEXT} Please retry in 1.5s.`),
      means: "rate-limited",
      waitsMs: 1500,
    },
    {
      sends: "429 RESOURCE_EXHAUSTED with its wait in retryDelay",
      status: 429,
      body: googleError(429, "RESOURCE_EXHAUSTED", QUOTA_TEXT, [RETRY_INFO]),
      means: "rate-limited",
      waitsMs: 1500,
    },
    {
      sends: "the same as a list of one, as the OpenAI-compatible endpoint does",
      status: 429,
      body: [googleError(429, "RESOURCE_EXHAUSTED", QUOTA_TEXT, [RETRY_INFO])],
      means: "rate-limited",
      waitsMs: 1500,
    },
    {
      sends: "429 without its status, as some gateways pass it on",
      status: 429,
      body: { error: { message: `${QUOTA_TEXT} Please retry in 1.5s.` } },
      means: "rate-limited",
      waitsMs: 1500,
    },
    {
      sends: "429 for a model that the free tier does not include",
      status: 429,
      body: googleError(
        429,
        "RESOURCE_EXHAUSTED",
        `${QUOTA_TEXT} * Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 0, model: gemini-2.5-pro`,
      ),
      means: "quota-exhausted",
    },
    {
      sends: "400 API key not valid",
      status: 400,
      body: googleError(
        400,
        "INVALID_ARGUMENT",
        "API key not valid. Please pass a valid API key.",
        [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID" }],
      ),
      means: "authentication",
    },
    {
      sends: "the same without details",
      status: 400,
      body: googleError(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
      means: "authentication",
    },
    {
      sends: "403 PERMISSION_DENIED",
      status: 403,
      body: googleError(
        403,
        "PERMISSION_DENIED",
        "Generative Language API has not been used in project 1 before or it is disabled.",
      ),
      means: "authentication",
    },
    {
      sends: "400 for a location",
      status: 400,
      body: googleError(
        400,
        "FAILED_PRECONDITION",
        "User location is not supported for the API use.",
      ),
      means: "location-refused",
    },
    {
      sends: "404 NOT_FOUND",
      status: 404,
      body: googleError(
        404,
        "NOT_FOUND",
        "models/gemini-9 is not found for API version v1beta, or is not supported for generateContent.",
      ),
      means: "not-found",
    },
    {
      sends: "400 for a prompt that is too long",
      status: 400,
      body: googleError(
        400,
        "INVALID_ARGUMENT",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
      ),
      means: "context-length",
      windowTokens: 1_048_576,
    },
    {
      sends: "400 for turns in an order that Gemini alone wants",
      status: 400,
      body: googleError(
        400,
        "INVALID_ARGUMENT",
        "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
      ),
      means: "unsupported",
    },
    {
      sends: "400 for a field that Gemini does not know",
      status: 400,
      body: googleError(
        400,
        "INVALID_ARGUMENT",
        'Invalid JSON payload received. Unknown name "frequency_penalty": Cannot find field.',
      ),
      means: "unsupported",
    },
    {
      sends: "503 UNAVAILABLE",
      status: 503,
      body: googleError(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
      means: "server-error",
    },
  ],
  answers: [
    ...["PROHIBITED_CONTENT", "SAFETY", "RECITATION", "content_filter: RECITATION"].map(
      (reason) => ({
        sends: `${reason} as finish reason`,
        whole: completion({ content: "" }, reason),
        streamed: [delta({ role: "assistant", content: "" }), delta({}, reason), DONE],
        means: "content-filter" as const,
      }),
    ),
    ...["MALFORMED_FUNCTION_CALL", "function_call_filter: MALFORMED_FUNCTION_CALL"].map(
      (reason) => ({
        sends: `${reason} as finish reason`,
        whole: completion({ content: "" }, reason),
        streamed: [delta({ role: "assistant", content: "" }), delta({}, reason), DONE],
        means: "failed-generation" as const,
      }),
    ),
    {
      sends: "MAX_TOKENS as finish reason",
      whole: completion({ content: "Half of" }, "MAX_TOKENS"),
      streamed: [...streamedText("Half of"), delta({}, "MAX_TOKENS"), DONE],
      gives: { text: "Half of", cutAtLimit: true },
    },
    {
      sends: "parallel tool calls that all have index 0",
      streamed: [
        delta({
          role: "assistant",
          tool_calls: [{ index: 0, ...toolCall("add", '{"a": 1, "b": 2}', { id: "one" }) }],
        }),
        delta({
          tool_calls: [{ index: 0, ...toolCall("add", '{"a": 3, "b": 4}', { id: "two" }) }],
        }),
        delta({}, "tool_calls"),
        DONE,
      ],
      gives: {
        toolCalls: [
          { name: "add", args: { a: 1, b: 2 } },
          { name: "add", args: { a: 3, b: 4 } },
        ],
      },
    },
    {
      sends: "parallel tool calls without index and with an empty id",
      streamed: [
        delta({ role: "assistant", tool_calls: [toolCall("add", '{"a": 1, "b": 2}', { id: "" })] }),
        delta({ tool_calls: [toolCall("add", '{"a": 3, "b": 4}', { id: "" })] }),
        delta({}, "stop"),
        DONE,
      ],
      gives: {
        toolCalls: [
          { name: "add", args: { a: 1, b: 2 } },
          { name: "add", args: { a: 3, b: 4 } },
        ],
      },
    },
  ],
};
