import type { ProviderFamily } from "./provider-row.ts";
import { completion, delta, DONE, openAiError, streamedText, toolCall, USAGE } from "./shapes.ts";

const PAGE =
  "<!doctype html><html><head><title>Just a moment...</title></head><body><p>Checking your browser</p></body></html>";
const ADD = toolCall("add", '{"a": 1, "b": 2}');

function passing(status: number): ProviderFamily["errors"][number] {
  const row = { sends: `${status}`, status, body: "" };
  // `fetch` itself repeats a misdirected request once, as its standard says.
  if (status === 421) return { ...row, means: "transient", requests: 8 };
  return { ...row, means: status > 500 ? "server-error" : "transient" };
}

/** LiteLLM, Azure and what other gateways and proxies do. */
export const GATEWAYS: ProviderFamily = {
  name: "Azure, LiteLLM, Cloudflare and other gateways",
  errors: [
    {
      sends: "Azure: 400 content_filter",
      status: 400,
      body: {
        error: {
          message:
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
          type: null,
          param: "prompt",
          code: "content_filter",
          status: 400,
          innererror: { code: "ResponsibleAIPolicyViolation" },
        },
      },
      means: "content-filter",
    },
    {
      sends: "Azure through LiteLLM: the same as a text with the code 400",
      status: 400,
      body: openAiError(
        "litellm.BadRequestError: litellm.ContentPolicyViolationError: AzureException - The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        { code: "400" },
      ),
      means: "content-filter",
    },
    {
      sends: "Azure: 429 with its wait in the text",
      status: 429,
      body: openAiError(
        "Requests to the ChatCompletions_Create Operation have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 2 seconds.",
        { code: "429" },
      ),
      means: "rate-limited",
      waitsMs: 2000,
    },
    {
      sends: "Azure: 404 DeploymentNotFound",
      status: 404,
      body: openAiError("The API deployment for this resource does not exist.", {
        code: "DeploymentNotFound",
      }),
      means: "not-found",
    },
    {
      sends: "LiteLLM: 400 Invalid model name",
      status: 400,
      body: openAiError(
        "/chat/completions: Invalid model name passed in model=gpt-9. Call `/v1/models` to view available models for your key.",
        { code: "400" },
      ),
      means: "not-found",
    },
    {
      sends: "LiteLLM: 400 ContextWindowExceededError",
      status: 400,
      body: openAiError(
        "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        { code: "400" },
      ),
      means: "context-length",
      windowTokens: 8192,
    },
    {
      sends: "LiteLLM: 400 budget_exceeded",
      status: 400,
      body: openAiError("Budget has been exceeded! Current cost: 5.1, Max budget: 5.0", {
        type: "budget_exceeded",
        code: "400",
      }),
      means: "quota-exhausted",
    },
    ...[421, 423, 424, 499, 520, 521, 522, 523, 524].map(passing),
    { sends: "405", status: 405, body: "", means: "not-found" },
    { sends: "410", status: 410, body: "", means: "not-found" },
    { sends: "413 without a body", status: 413, body: "", means: "context-length" },
    {
      sends: "an HTML challenge page with 403",
      status: 403,
      body: PAGE,
      means: "location-refused",
    },
    { sends: "an HTML page with 502", status: 502, body: PAGE, means: "server-error" },
    {
      sends: "Retry-After: 0, which is no hint",
      status: 429,
      headers: { "retry-after": "0" },
      body: openAiError("slow down"),
      means: "rate-limited",
    },
    {
      sends: "an empty Retry-After, which is no hint",
      status: 429,
      headers: { "retry-after": "" },
      body: openAiError("slow down"),
      means: "rate-limited",
    },
    {
      sends: "a Retry-After in the past, which is no hint",
      status: 429,
      headers: { "retry-after": "Thu, 01 Jan 2026 00:00:00 GMT" },
      body: openAiError("slow down"),
      means: "rate-limited",
    },
  ],
  answers: [
    {
      sends: "[DONE] without a finish reason, with usage",
      streamed: [
        ...streamedText("Hello there"),
        delta({}, null, { choices: [], usage: USAGE }),
        DONE,
      ],
      gives: { text: "Hello there" },
    },
    {
      sends: "[DONE] without a finish reason, without usage",
      streamed: [...streamedText("Hello there"), DONE],
      gives: { text: "Hello there" },
    },
    {
      sends: "[DONE] without a finish reason, after a whole tool call",
      streamed: [delta({ role: "assistant", tool_calls: [{ index: 0, ...ADD }] }), DONE],
      gives: { toolCalls: [{ name: "add", args: { a: 1, b: 2 } }] },
    },
    {
      sends: "[DONE] in the middle of a tool call",
      streamed: [
        delta({ role: "assistant", tool_calls: [{ index: 0, ...toolCall("add", '{"a": 1') }] }),
        DONE,
      ],
      means: "truncated",
    },
    {
      sends: "a closed socket instead of [DONE] and finish reason",
      streamed: [delta({ role: "assistant", content: "" })],
      means: "truncated",
    },
    {
      sends: "an empty body",
      whole: "",
      streamed: "",
      means: "truncated",
    },
    ...["application/json", "text/html; charset=utf-8", "text/plain"].map((contentType) => ({
      sends: `a stream as ${contentType}`,
      streamed: [...streamedText("Hello there"), delta({}, "stop"), DONE],
      contentType,
      gives: { text: "Hello there" },
    })),
    {
      sends: "a whole answer in place of a stream",
      streamed: JSON.stringify(completion({ content: "Hello there" })),
      contentType: "application/json",
      gives: { text: "Hello there" },
    },
    {
      sends: "a whole answer in place of a stream, as text/event-stream",
      streamed: JSON.stringify(completion({ content: "Hello there" })),
      gives: { text: "Hello there" },
    },
    {
      sends: "a whole answer with a tool call in place of a stream",
      streamed: JSON.stringify(completion({ content: null, tool_calls: [ADD] }, "tool_calls")),
      contentType: "application/json",
      gives: { toolCalls: [{ name: "add", args: { a: 1, b: 2 } }] },
    },
    {
      sends: "a stream in place of a whole answer",
      whole:
        [
          ...streamedText("Hello there"),
          delta({}, "stop"),
          delta({}, null, { choices: [], usage: USAGE }),
        ]
          .map((event) => `data: ${JSON.stringify(event)}\n\n`)
          .join("") + DONE,
      contentType: "text/event-stream",
      gives: { text: "Hello there" },
    },
    {
      sends: "a stream with a tool call in place of a whole answer",
      whole:
        [
          delta({
            role: "assistant",
            content: null,
            tool_calls: [{ index: 0, ...toolCall("add", '{"a": 1,') }],
          }),
          delta({ tool_calls: [{ index: 0, function: { arguments: ' "b": 2}' } }] }),
          delta({}, "tool_calls"),
        ]
          .map((event) => `data: ${JSON.stringify(event)}\n\n`)
          .join("") + DONE,
      contentType: "text/event-stream",
      gives: { toolCalls: [{ name: "add", args: { a: 1, b: 2 } }] },
    },
    {
      sends: "a stream in place of a whole answer that breaks off",
      whole: streamedText("Hello there")
        .map((event) => `data: ${JSON.stringify(event)}\n\n`)
        .join(""),
      contentType: "text/event-stream",
      means: "truncated",
    },
    {
      sends: "content as a list of parts",
      whole: completion({
        content: [
          { type: "text", text: "Hello " },
          { type: "text", text: "there" },
        ],
      }),
      streamed: [
        delta({ role: "assistant", content: [{ type: "text", text: "Hello " }] }),
        delta({ content: [{ type: "text", text: "there" }] }),
        delta({}, "stop"),
        DONE,
      ],
      gives: { text: "Hello there" },
    },
    {
      sends: "a whole tool call in one event, without index",
      streamed: [
        delta({ role: "assistant", content: null, tool_calls: [ADD] }),
        delta({}, "tool_calls"),
        DONE,
      ],
      gives: { toolCalls: [{ name: "add", args: { a: 1, b: 2 } }] },
    },
    {
      sends: "a tool call with an empty id and empty arguments",
      whole: completion(
        { content: null, tool_calls: [toolCall("add", "", { id: "" })] },
        "tool_calls",
      ),
      streamed: [
        delta({
          role: "assistant",
          content: null,
          tool_calls: [{ index: 0, ...toolCall("add", "", { id: "" }) }],
        }),
        delta({}, "tool_calls"),
        DONE,
      ],
      gives: { toolCalls: [{ name: "add", args: {} }] },
    },
    {
      sends: "name and id again in every piece of a tool call",
      streamed: [
        delta({ role: "assistant", tool_calls: [{ index: 0, ...toolCall("add", '{"a": 1,') }] }),
        delta({ tool_calls: [{ index: 0, ...toolCall("add", ' "b": 2}') }] }),
        delta({}, "tool_calls"),
        DONE,
      ],
      gives: { toolCalls: [{ name: "add", args: { a: 1, b: 2 } }] },
    },
    {
      sends: "no role, or an empty one",
      whole: {
        ...completion(null),
        choices: [{ index: 0, message: { content: "Hello there" }, finish_reason: "stop" }],
      },
      streamed: [
        delta({ content: "Hello " }),
        delta({ role: "", content: "there" }),
        delta({}, "stop"),
        DONE,
      ],
      gives: { text: "Hello there" },
    },
    {
      sends: "the finish reason without a delta",
      streamed: [...streamedText("Half of"), delta(undefined, "length"), DONE],
      gives: { text: "Half of", cutAtLimit: true },
    },
    ...["", {}, { code: 0 }, { code: "0", message: "success" }].map((error) => ({
      sends: `an error of ${JSON.stringify(error)} beside a good choice`,
      whole: completion({ content: "Hello there" }, "stop", { error }),
      streamed: [
        ...streamedText("Hello there").map((event) => Object.assign(event, { error })),
        delta({}, "stop", { error }),
        DONE,
      ],
      gives: { text: "Hello there" },
    })),
    {
      sends: "a choice with null for a message",
      whole: completion(null),
      means: "server-error",
    },
    {
      sends: "a choice without a message",
      whole: { ...completion(null), choices: [{ index: 0, finish_reason: "stop" }] },
      means: "server-error",
    },
    {
      sends: "blank events that keep the connection alive",
      streamed: [
        "data: \n\n",
        ...streamedText("Hello there"),
        "data:\n\n",
        delta({}, "stop"),
        DONE,
      ],
      gives: { text: "Hello there" },
    },
    {
      sends: "lines that end in CR and LF",
      streamed: [
        `${[...streamedText("Hello there"), delta({}, "stop")]
          .map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`)
          .join("")}data: [DONE]\r\n\r\n`,
      ],
      gives: { text: "Hello there" },
    },
    {
      sends: "reasoning and no answer",
      whole: completion({ content: "", reasoning_content: "Let me think" }),
      streamed: [
        delta({ role: "assistant", content: "", reasoning_content: "Let me think" }),
        delta({}, "stop"),
        DONE,
      ],
      means: "empty-answer",
    },
    {
      sends: "tool_calls as finish reason and no tool call",
      whole: completion({ content: "" }, "tool_calls"),
      streamed: [delta({ role: "assistant", content: "" }), delta({}, "tool_calls"), DONE],
      means: "empty-answer",
    },
    {
      sends: "nothing but white space",
      whole: completion({ content: "\n\n" }),
      streamed: [delta({ role: "assistant", content: "\n\n" }), delta({}, "stop"), DONE],
      means: "empty-answer",
    },
  ],
};
