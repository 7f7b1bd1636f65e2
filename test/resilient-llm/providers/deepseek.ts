import type { ProviderFamily } from "./provider-row.ts";
import { completion, delta, DONE, openAiError, streamedText, USAGE } from "./shapes.ts";

/** DeepSeek. */
export const DEEPSEEK: ProviderFamily = {
  name: "DeepSeek",
  errors: [
    {
      sends: "402 Insufficient Balance",
      status: 402,
      body: openAiError("Insufficient Balance", { type: "unknown_error" }),
      means: "quota-exhausted",
    },
    {
      sends: "400 Model Not Exist",
      status: 400,
      body: openAiError("Model Not Exist"),
      means: "not-found",
    },
    {
      sends: "400 for a tool_choice that the reasoner does not take",
      status: 400,
      body: openAiError("deepseek-reasoner does not support this tool_choice"),
      means: "unsupported",
    },
    {
      sends: "400 for function calling that the reasoner does not take",
      status: 400,
      body: openAiError("deepseek-reasoner does not support Function Calling"),
      means: "unsupported",
    },
    {
      sends: "400 for reasoning that was not passed back",
      status: 400,
      body: openAiError(
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
      ),
      means: "unsupported",
    },
    {
      sends: "400 for an image",
      status: 400,
      body: openAiError(
        "Failed to deserialize the JSON body into the target type: messages[0]: unknown variant `image_url`, expected `text` at line 1 column 90",
      ),
      means: "unsupported",
    },
    {
      sends: "400 for max_tokens out of range",
      status: 400,
      body: openAiError("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"),
      means: "unsupported",
    },
    {
      sends: "400 Content Exists Risk",
      status: 400,
      body: openAiError("Content Exists Risk"),
      means: "content-filter",
    },
    {
      sends: "400 for a prompt that is too long",
      status: 400,
      body: openAiError(
        "This model's maximum context length is 65536 tokens. However, you requested 70000 tokens (66000 in the messages, 4000 in the completion). Please reduce the length of the messages or completion.",
      ),
      means: "context-length",
      windowTokens: 65_536,
    },
    {
      sends: "400 for a tool call without all of its results",
      status: 400,
      body: openAiError(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. (insufficient tool messages following tool_calls message)",
      ),
      means: "bad-request",
      isFinal: true,
    },
    {
      sends: "503 server overloaded",
      status: 503,
      body: openAiError(
        "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers.",
        {
          type: "service_unavailable_error",
        },
      ),
      means: "server-error",
    },
  ],
  answers: [
    {
      sends: "insufficient_system_resource as finish reason",
      whole: completion({ content: "Half of" }, "insufficient_system_resource"),
      streamed: [
        delta({ role: "assistant", content: "" }),
        delta({}, "insufficient_system_resource"),
        DONE,
      ],
      means: "server-error",
    },
    {
      sends: "blank lines and then the answer",
      whole: `\n\n\n\n${JSON.stringify(completion({ content: "Hello there" }))}`,
      streamed: [
        ": keep-alive\n\n: keep-alive\n\n",
        ...streamedText("Hello there"),
        delta({}, "stop", { usage: USAGE }),
        DONE,
      ],
      gives: { text: "Hello there" },
    },
    {
      sends: "blank lines and nothing else",
      whole: "\n\n\n\n",
      streamed: ": keep-alive\n\n: keep-alive\n\n",
      means: "truncated",
    },
    {
      sends: "reasoning and then the answer",
      whole: completion({ content: "42", reasoning_content: "Let me think" }),
      streamed: [
        delta({ role: "assistant", content: null, reasoning_content: "Let me " }),
        delta({ content: null, reasoning_content: "think" }),
        delta({ content: "42", reasoning_content: null }),
        delta({}, "stop"),
        DONE,
      ],
      gives: { text: "42", reasoning: "Let me think" },
    },
    {
      sends: "reasoning and no answer",
      whole: completion({ content: "", reasoning_content: "Let me think" }),
      streamed: [
        delta({ role: "assistant", content: null, reasoning_content: "Let me think" }),
        delta({}, "stop"),
        DONE,
      ],
      means: "empty-answer",
    },
  ],
};
