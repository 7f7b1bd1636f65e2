import type { ProviderFamily } from "./provider-row.ts";
import { completion, delta, DONE, streamedText } from "./shapes.ts";

function openRouterError(code: number, message: string, metadata?: object): object {
  return { error: { message, code, ...(metadata ? { metadata } : {}) }, user_id: "user_1" };
}

/** OpenRouter. */
export const OPENROUTER: ProviderFamily = {
  name: "OpenRouter",
  errors: [
    {
      sends: "429 with X-RateLimit-Reset in epoch milliseconds",
      status: 429,
      headers: {
        "x-ratelimit-limit": "20",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "{now+5000ms}",
      },
      body: openRouterError(429, "Rate limit exceeded: free-models-per-min."),
      means: "rate-limited",
      waitsMs: 5000,
    },
    {
      sends: "429 with those headers in the body only",
      status: 429,
      body: openRouterError(429, "Rate limit exceeded: free-models-per-min.", {
        headers: {
          "X-RateLimit-Limit": "20",
          "X-RateLimit-Remaining": "0",
          "X-RateLimit-Reset": "{now+5000ms}",
        },
      }),
      means: "rate-limited",
      waitsMs: 5000,
    },
    {
      sends: "402 without credits",
      status: 402,
      body: openRouterError(402, "This request requires more credits, or fewer max_tokens."),
      means: "quota-exhausted",
    },
    {
      sends: "403 Key limit exceeded",
      status: 403,
      body: openRouterError(
        403,
        "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys",
      ),
      means: "quota-exhausted",
    },
    {
      sends: "403 with the reasons of a moderation",
      status: 403,
      body: openRouterError(
        403,
        "Your chosen model requires moderation and your input was flagged",
        {
          reasons: ["violence"],
          flagged_input: "hi",
          provider_name: "OpenAI",
        },
      ),
      means: "content-filter",
    },
    {
      sends: "401 without a user",
      status: 401,
      body: openRouterError(401, "User not found."),
      means: "authentication",
    },
    {
      sends: "400 for a model that is not there",
      status: 400,
      body: openRouterError(400, "openai/gpt-9 is not a valid model ID"),
      means: "not-found",
    },
    {
      sends: "404 for tools that no endpoint supports",
      status: 404,
      body: openRouterError(404, "No endpoints found that support tool use."),
      means: "unsupported",
    },
    {
      sends: "404 for images that no endpoint supports",
      status: 404,
      body: openRouterError(404, "No endpoints found that support image input"),
      means: "unsupported",
    },
    {
      sends: "400 Provider returned error",
      status: 400,
      body: openRouterError(400, "Provider returned error", {
        provider_name: "Together",
        raw: "ERROR",
      }),
      means: "unsupported",
    },
    {
      sends: "400 Provider returned error, with the upstream's own that the prompt is too long",
      status: 400,
      body: openRouterError(400, "Provider returned error", {
        provider_name: "Fireworks",
        raw: '{"error":{"message":"The prompt is too long: 9000, model maximum context length: 8191","code":"invalid_request_error"}}',
      }),
      means: "context-length",
      windowTokens: 8191,
    },
    {
      sends: "400 for a prompt that is too long",
      status: 400,
      body: openRouterError(
        400,
        "This endpoint's maximum context length is 8192 tokens. However, you requested about 10000 tokens (9000 of text input, 1000 in the output). Please reduce the length of either one.",
      ),
      means: "context-length",
      windowTokens: 8192,
    },
    {
      sends: "429 Provider returned error, rate-limited upstream",
      status: 429,
      body: openRouterError(429, "Provider returned error", {
        raw: "qwen/qwen3 is temporarily rate-limited upstream. Please retry shortly.",
        provider_name: "Chutes",
      }),
      means: "rate-limited",
    },
    {
      sends: "502 from an upstream that is down",
      status: 502,
      body: openRouterError(502, "Provider returned error"),
      means: "server-error",
    },
  ],
  answers: [
    {
      sends: "its own comments and then the answer",
      streamed: [
        ": OPENROUTER PROCESSING\n\n",
        ...streamedText("Hello there"),
        delta({}, "stop", { native_finish_reason: "stop" }),
        DONE,
      ],
      gives: { text: "Hello there" },
    },
    {
      sends: "an error of the upstream with status 200",
      whole: openRouterError(429, "Provider returned error"),
      streamed: [openRouterError(429, "Provider returned error")],
      means: "rate-limited",
    },
    {
      sends: "an error inside the choice",
      whole: {
        ...completion({ content: "" }, "error"),
        choices: [
          {
            index: 0,
            message: { role: "assistant", content: "" },
            finish_reason: "error",
            error: { code: 502, message: "Upstream error" },
          },
        ],
      },
      streamed: [
        delta({ role: "assistant", content: "" }),
        {
          choices: [
            {
              index: 0,
              delta: { content: "" },
              finish_reason: "error",
              error: { code: 502, message: "Upstream error" },
            },
          ],
        },
        DONE,
      ],
      means: "server-error",
    },
    {
      sends: "an error beside an empty choice",
      whole: {
        ...completion({ content: "" }),
        error: { code: 500, message: "Internal Server Error" },
      },
      streamed: [
        delta({ role: "assistant", content: "" }),
        { ...delta({}, "error"), error: { code: 500, message: "Internal Server Error" } },
        DONE,
      ],
      means: "server-error",
    },
    {
      sends: "error as finish reason",
      whole: completion({ content: "" }, "error"),
      streamed: [delta({ role: "assistant", content: "" }), delta({}, "error"), DONE],
      means: "server-error",
    },
  ],
};
