import type { ProviderFamily } from "./provider-row.ts";
import { completion, delta, DONE, openAiError, streamedText, toolCall, USAGE } from "./shapes.ts";

const CALL = toolCall("add", '{"a": 1, "b": 2}');

/** OpenAI itself. */
export const OPENAI: ProviderFamily = {
  name: "OpenAI",
  errors: [
    {
      sends: "429 rate_limit_exceeded that names its wait in the text",
      status: 429,
      body: openAiError(
        "Rate limit reached for gpt-4.1 in organization org-1 on tokens per min (TPM): Limit 30000, Used 29500, Requested 2000. Please try again in 3s.",
        { type: "tokens", code: "rate_limit_exceeded" },
      ),
      means: "rate-limited",
      waitsMs: 3000,
    },
    {
      sends: "429 for a request larger than the limit",
      status: 429,
      body: openAiError(
        "Request too large for gpt-4.1 in organization org-1 on tokens per min (TPM): Limit 10000, Requested 12000. The input or output tokens must be reduced in order to run successfully.",
        { type: "tokens", code: "rate_limit_exceeded" },
      ),
      means: "exceeds-rate-limit",
    },
    {
      sends: "429 insufficient_quota",
      status: 429,
      body: openAiError(
        "You exceeded your current quota, please check your plan and billing details.",
        { type: "insufficient_quota", code: "insufficient_quota" },
      ),
      means: "quota-exhausted",
    },
    {
      sends: "429 billing_hard_limit_reached",
      status: 429,
      body: openAiError("Billing hard limit has been reached.", {
        code: "billing_hard_limit_reached",
      }),
      means: "quota-exhausted",
    },
    {
      sends: "401 invalid_api_key",
      status: 401,
      body: openAiError("Incorrect API key provided: sk-abc***xyz.", { code: "invalid_api_key" }),
      means: "authentication",
    },
    {
      sends: "403 unsupported_country_region_territory",
      status: 403,
      body: openAiError("Country, region, or territory not supported", {
        type: "request_forbidden",
        code: "unsupported_country_region_territory",
      }),
      means: "location-refused",
    },
    {
      sends: "403 model_not_found, for a project without access",
      status: 403,
      body: openAiError("Project `proj_1` does not have access to model `gpt-4.1`", {
        code: "model_not_found",
      }),
      means: "not-found",
    },
    {
      sends: "404 model_not_found",
      status: 404,
      body: openAiError("The model `gpt-9` does not exist or you do not have access to it.", {
        code: "model_not_found",
      }),
      means: "not-found",
    },
    {
      sends: "400 unsupported_parameter",
      status: 400,
      body: openAiError(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        { code: "unsupported_parameter", param: "max_tokens" },
      ),
      means: "unsupported",
    },
    {
      sends: "400 unsupported_value",
      status: 400,
      body: openAiError(
        "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
        { code: "unsupported_value", param: "temperature" },
      ),
      means: "unsupported",
    },
    {
      sends: "400 for more answer tokens than the model can give",
      status: 400,
      body: openAiError(
        "max_tokens is too large: 50000. This model supports at most 16384 completion tokens, whereas you provided 50000.",
        { code: "invalid_value", param: "max_tokens" },
      ),
      means: "unsupported",
    },
    {
      sends: "400 for a response format the model does not know",
      status: 400,
      body: openAiError(
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
        { param: "response_format" },
      ),
      means: "unsupported",
    },
    {
      sends: "400 for an image the model cannot see",
      status: 400,
      body: openAiError("Invalid content type. image_url is only supported by certain models.", {
        param: "messages.[0].content.[1].type",
      }),
      means: "unsupported",
    },
    {
      sends: "400 context_length_exceeded",
      status: 400,
      body: openAiError(
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.",
        { code: "context_length_exceeded", param: "messages" },
      ),
      means: "context-length",
      windowTokens: 8192,
    },
    {
      sends: "400 for a prompt and an answer that do not fit together",
      status: 400,
      body: openAiError(
        "This model's maximum context length is 4097 tokens, however you requested 5000 tokens (1000 in your prompt; 4000 for the completion). Please reduce your prompt; or completion length.",
      ),
      means: "context-length",
      windowTokens: 4097,
    },
    {
      sends: "400 of the Responses API for a prompt that is too long",
      status: 400,
      body: openAiError(
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        { code: "context_length_exceeded", param: "input" },
      ),
      means: "context-length",
    },
    {
      sends: "400 string_above_max_length in a message",
      status: 400,
      body: openAiError(
        "Invalid 'messages[0].content': string too long. Expected a string with maximum length 1048576, but got a string with length 1200000 instead.",
        { code: "string_above_max_length", param: "messages[0].content" },
      ),
      means: "context-length",
    },
    {
      sends: "400 for a tool-call id that is too long",
      status: 400,
      body: openAiError(
        "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 40, but got a string with length 53 instead.",
        { code: "string_above_max_length", param: "messages[1].tool_calls[0].id" },
      ),
      means: "unsupported",
    },
    {
      sends: "400 invalid_prompt",
      status: 400,
      body: openAiError(
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
        { code: "invalid_prompt" },
      ),
      means: "content-filter",
    },
    {
      sends: "400 content_policy_violation",
      status: 400,
      body: openAiError("Your request was rejected as a result of our safety system.", {
        code: "content_policy_violation",
      }),
      means: "content-filter",
    },
    {
      sends: "400 for tool calls without their results",
      status: 400,
      body: openAiError(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: call_1",
        { param: "messages.[3].role" },
      ),
      means: "bad-request",
      isFinal: true,
    },
    {
      sends: "400 for a tool result without its call",
      status: 400,
      body: openAiError(
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        { param: "messages.[1].role" },
      ),
      means: "bad-request",
      isFinal: true,
    },
    {
      sends: "400 invalid_function_parameters",
      status: 400,
      body: openAiError(
        "Invalid schema for function 'add': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.",
        { code: "invalid_function_parameters", param: "tools[0].function.parameters" },
      ),
      means: "bad-request",
      isFinal: true,
    },
    {
      sends: "400 without a reason that is known",
      status: 400,
      body: openAiError("The request could not be carried out."),
      means: "bad-request",
    },
    {
      sends: "500 server_error",
      status: 500,
      body: openAiError(
        "The server had an error while processing your request. Sorry about that!",
        {
          type: "server_error",
        },
      ),
      means: "server-error",
    },
    {
      sends: "503 with its wait in Retry-After",
      status: 503,
      headers: { "retry-after": "2" },
      body: openAiError("The engine is currently overloaded, please try again later", {
        type: "server_error",
      }),
      means: "server-error",
      waitsMs: 2000,
    },
    {
      sends: "429 with x-should-retry: false",
      status: 429,
      headers: { "x-should-retry": "false" },
      body: openAiError("Too many requests", { code: "rate_limit_exceeded" }),
      means: "rate-limited",
      requests: 1,
    },
    {
      sends: "400 with x-should-retry: true",
      status: 400,
      headers: { "x-should-retry": "true" },
      body: openAiError("The request could not be carried out."),
      means: "bad-request",
      requests: 4,
    },
  ],
  answers: [
    {
      sends: "a text",
      whole: completion({ content: "Hello there" }),
      streamed: [
        ...streamedText("Hello there"),
        delta({}, "stop"),
        delta({}, null, { choices: [], usage: USAGE }),
        DONE,
      ],
      gives: { text: "Hello there" },
    },
    {
      sends: "a tool call",
      whole: completion({ content: null, tool_calls: [CALL] }, "tool_calls"),
      streamed: [
        delta({ role: "assistant", content: null }),
        delta({ tool_calls: [{ index: 0, ...toolCall("add", "") }] }),
        delta({ tool_calls: [{ index: 0, function: { arguments: '{"a": 1,' } }] }),
        delta({ tool_calls: [{ index: 0, function: { arguments: ' "b": 2}' } }] }),
        delta({}, "tool_calls"),
        DONE,
      ],
      gives: { toolCalls: [{ name: "add", args: { a: 1, b: 2 } }] },
    },
    {
      sends: "a refusal, which is an answer",
      whole: completion({ content: null, refusal: "I cannot help with that." }),
      streamed: [
        delta({ role: "assistant", content: "" }),
        delta({ refusal: "I cannot " }),
        delta({ refusal: "help with that." }),
        delta({}, "stop"),
        DONE,
      ],
      gives: { text: "", refusal: "I cannot help with that." },
    },
    {
      sends: "an answer that was cut at its limit",
      whole: completion({ content: "Half of" }, "length"),
      streamed: [...streamedText("Half of"), delta({}, "length"), DONE],
      gives: { text: "Half of", cutAtLimit: true },
    },
    {
      sends: "nothing but reasoning, which took up the limit",
      whole: completion({ content: "" }, "length"),
      streamed: [delta({ role: "assistant", content: "" }), delta({}, "length"), DONE],
      gives: { text: "", cutAtLimit: true },
    },
    {
      sends: "content_filter as finish reason",
      whole: completion({ content: "I" }, "content_filter"),
      streamed: [delta({ role: "assistant", content: "I" }), delta({}, "content_filter"), DONE],
      means: "content-filter",
    },
    {
      sends: "an empty answer",
      whole: completion({ content: "" }),
      streamed: [delta({ role: "assistant", content: "" }), delta({}, "stop"), DONE],
      means: "empty-answer",
    },
    {
      sends: "null for a content",
      whole: completion({ content: null }),
      streamed: [delta({ role: "assistant", content: null }), delta({}, "stop"), DONE],
      means: "empty-answer",
    },
    {
      sends: "JSON for a schema",
      whole: completion({ content: '{"city": "Paris"}' }),
      gives: {
        text: '{"city": "Paris"}',
        parsed: { method: "jsonSchema", value: { city: "Paris" } },
      },
    },
  ],
};
