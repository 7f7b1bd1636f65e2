import type { FailureKind } from "./failure.ts";
import { saysPromptIsTooLong } from "./prompt-too-long.ts";
import type { ErrorReport } from "./read-error-report.ts";

/** What is known of an error when it is classified. */
export interface ClassifiedError extends ErrorReport {
  /** HTTP status, or the one that stands in the body of an answer with status 200. */
  readonly status: number | undefined;
}

/** One line of the table. What a rule names must all hold; the first rule that holds decides. */
export interface FailureRule {
  readonly kind: FailureKind;
  readonly status?: readonly number[] | ((status: number) => boolean);
  /** One of these is the code, the type or a further name of the error. A text is it as a whole. */
  readonly code?: readonly (RegExp | string)[];
  /** One of these is the field of the request that is at fault. */
  readonly param?: readonly (RegExp | string)[];
  /** What numbers or the shape of the error say. */
  readonly when?: (error: ClassifiedError) => boolean;
  /** One of these is found in the message. */
  readonly text?: readonly RegExp[];
  /** Any model would refuse the request. */
  readonly isFinal?: true;
  /** Who says so, or what the rule was learned from. */
  readonly source: string;
}

/** Statuses that say little by themselves: what is wrong stands in the body. */
const VAGUE = [400, 404, 406, 412, 413, 415, 422, 500, 501, 503];
/** A key without a right, or whatever else a provider does not want. */
const FORBIDDEN = [400, 401, 403];

/** Fields of a request that models differ in. */
const SETTINGS = [
  ["temperature", "top_p", "top_k", "n", "stop", "seed", "logprobs", "top_logprobs", "logit_bias"],
  ["frequency_penalty", "presence_penalty", "max_tokens", "max_completion_tokens"],
  ["max_output_tokens", "reasoning", "reasoning_effort", "thinking", "verbosity"],
  ["tool_choice", "parallel_tool_calls", "response_format", "stream_options", "service_tier"],
  ["modalities", "audio", "prediction"],
].flat();

/** "Limit 10000, Requested 12000": no wait makes it fit. */
function requestsMoreThanLimit({ message, status }: ClassifiedError): boolean {
  if (status !== undefined && ![413, 429].includes(status)) return false;
  const [, limit, requested] =
    /\blimit:? ([\d,]+)\b[\s\S]{0,80}?\brequested:? ([\d,]+)/i.exec(message) ?? [];
  if (limit === undefined || requested === undefined) return false;
  return Number(requested.replaceAll(",", "")) > Number(limit.replaceAll(",", ""));
}

function isPage({ message }: ClassifiedError): boolean {
  return /^\s*</.test(message);
}

function hasNoStatus({ status }: ClassifiedError): boolean {
  return status === undefined;
}

/**
 * What an error means, by what providers send. Structure first: numbers, codes and parameters. Then
 * wording, where a provider has no code for it. A bare status says least, so it comes last. To be
 * extended by a line here, and by a row in `test/resilient-llm/providers`.
 */
export const FAILURE_RULES: readonly FailureRule[] = [
  // Numbers and shape.
  {
    kind: "exceeds-rate-limit",
    when: requestsMoreThanLimit,
    source: 'OpenAI 429, Groq 413: "Limit 10000, Requested 12000"',
  },
  {
    kind: "quota-exhausted",
    code: ["RESOURCE_EXHAUSTED"],
    text: [/\blimit: 0\b/],
    source: "Google: a model that the free tier does not include",
  },
  {
    kind: "content-filter",
    when: ({ isModeration }) => isModeration,
    source: "OpenRouter 403 with metadata.reasons",
  },
  {
    kind: "location-refused",
    status: [403],
    when: isPage,
    source: "an HTML challenge page of a firewall",
  },

  // Codes, types and further names.
  {
    kind: "rate-limited",
    code: [
      /rate_?limit/i,
      /too_?many_?requests/i,
      /throttl/i,
      "RESOURCE_EXHAUSTED",
      "limit_requests",
      "capacity_exceeded",
    ],
    source: "OpenAI, Anthropic, Google, Groq 413 and 498, DashScope, Bedrock",
  },
  {
    kind: "rate-limited",
    code: ["1302", "1303", "1305", "50505", "1002", "1041"],
    source: "Zhipu 1302, 1303, 1305; SiliconFlow 50505; MiniMax 1002, 1041",
  },
  {
    kind: "quota-exhausted",
    code: [
      /^insufficient_(?:\w+_)?(?:quota|balance|credits?|funds)$/i,
      /^billing_/i,
      /^credit_balance/i,
      "exceeded_current_quota_error",
      "Arrearage",
      "AllocationQuota.FreeTierOnly",
      "AccountOverdueError",
      "budget_exceeded",
      "payment_required",
    ],
    source: "OpenAI, Moonshot, DashScope, Volcengine, LiteLLM",
  },
  {
    kind: "quota-exhausted",
    code: ["1113", "1008", "30001"],
    source: "Zhipu 1113; MiniMax 1008; SiliconFlow 30001",
  },
  {
    kind: "context-length",
    code: [
      /context_?(?:length|window)_?exceeded/i,
      /exceed_context_size/i,
      /prompt_tokens_exceeded/i,
      "tokens_limit_reached",
      "request_too_large",
      "1261",
    ],
    source: "OpenAI, llama.cpp, GitHub, Anthropic 413; Zhipu 1261",
  },
  {
    kind: "context-length",
    code: ["string_above_max_length"],
    param: [/content/, /^input/, /^prompt/],
    source: "OpenAI",
  },
  {
    kind: "content-filter",
    code: [
      /content_?filter/i,
      /content_?policy/i,
      /responsible_?ai/i,
      /data_?inspection/i,
      /sensitive_?content/i,
      /^moderation/i,
      "invalid_prompt",
    ],
    source: "Azure, OpenAI, DashScope, Volcengine",
  },
  {
    kind: "content-filter",
    code: ["1301", "1026", "1027"],
    source: "Zhipu 1301; MiniMax 1026, 1027",
  },
  {
    kind: "location-refused",
    code: [/^unsupported_(?:country|location|region)/i],
    source: "OpenAI 403",
  },
  {
    kind: "failed-generation",
    code: ["tool_use_failed", "json_validate_failed", "output_parse_failed"],
    source: "Groq",
  },
  {
    kind: "authentication",
    code: [
      /^(?:invalid|incorrect)_?api_?key$/i,
      /^invalid_authentication/i,
      "authentication_error",
      "API_KEY_INVALID",
      "UNAUTHENTICATED",
      "1004",
      "2049",
    ],
    source: "OpenAI, Moonshot, Anthropic, Google 400, DashScope; MiniMax 1004, 2049",
  },
  {
    kind: "not-found",
    code: [
      /^model_?not_?(?:found|available|exist)$/i,
      /^deployment_?not_?found$/i,
      "model_decommissioned",
      "model_terminated",
      "invalid_model",
      "unknown_model",
      "not_found_error",
      "NOT_FOUND",
      "1211",
    ],
    source: "OpenAI, Groq, Mistral, Azure, Anthropic, Google; Zhipu 1211",
  },
  { kind: "not-found", status: [400, 422], param: ["model"], source: "OpenAI" },
  {
    kind: "unsupported",
    code: [/^unsupported_(?:parameter|value|model|feature)/i, "unknown_parameter"],
    source: "OpenAI",
  },
  {
    kind: "bad-request",
    code: [
      "invalid_function_parameters",
      "missing_required_parameter",
      "empty_array",
      "invalid_json",
      "json_parse_error",
    ],
    isFinal: true,
    source: "OpenAI",
  },
  {
    kind: "unsupported",
    status: [400, 422],
    param: SETTINGS,
    source: "OpenAI: the range of a setting differs between models",
  },

  // Wordings, of what has no code of its own.
  {
    kind: "rate-limited",
    text: [/exceeded your current quota[\s\S]*retry in \d/i],
    source: "Google without its status",
  },
  {
    kind: "quota-exhausted",
    text: [
      /\b(?:insufficient|not enough|no|any|out of) (?:quota|balance|credits?|funds)\b/i,
      /\b(?:all|monthly) (?:your )?(?:available|included) credits\b/i,
      /\b(?:balance|credits?)\b.{0,40}\b(?:insufficient|not enough|too low|exhausted|depleted)\b/i,
      /\b(?:key|credit|spend(?:ing)?) limit (?:exceeded|reached)\b/i,
      /reached (?:its|your) (?:monthly )?spending limit/i,
      /exceeded your (?:current quota|monthly)/i,
      /suspended.{0,80}(?:spending|payment|invoice)/i,
      /overdue|余额不足|欠费/i,
    ],
    source: "OpenRouter 403, xAI 403, Anthropic 400, Fireworks 412, Hugging Face",
  },
  {
    kind: "location-refused",
    text: [
      /\b(?:country|region|territory|location)\b[^.]{0,40}\bnot (?:supported|available|allowed)\b/i,
      /\bnot (?:supported|available) in your (?:country|region|location)\b/i,
    ],
    source: "Google 400, Anthropic 403",
  },
  {
    kind: "content-filter",
    status: [400, 403, 422, 451, 500],
    text: [
      /content management policy/i,
      /ContentPolicyViolation/,
      /content exists risk/i,
      /\b(?:usage|content) polic(?:y|ies)\b/i,
      /\bsafety (?:system|filter)\b/i,
      /\bflagged (?:as|by|for)\b|was flagged/i,
      /inappropriate content/i,
      /敏感内容|不安全/,
    ],
    source: "Azure through LiteLLM, DeepSeek, OpenAI, DashScope, Zhipu",
  },
  {
    kind: "authentication",
    status: FORBIDDEN,
    text: [
      /api[ _-]?key[^.]{0,30}\b(?:not valid|invalid|incorrect|expired|not found|missing|required)\b/i,
      /\b(?:invalid|incorrect|no|missing|expired|wrong) (?:api[ _-]?key|credentials|authentication)\b/i,
    ],
    source: "Google 400, xAI 400",
  },
  {
    kind: "failed-generation",
    status: VAGUE,
    text: [/failed to (?:call a function|generate json)/i, /failed_generation/],
    source: "Groq",
  },
  {
    kind: "bad-request",
    status: [400, 422],
    text: [
      /\btool_calls?\b[^.]{0,60}must be followed/i,
      /must be a response to a prece/i,
      /tool_use[^.]{0,80}without[^.]{0,40}tool_result/i,
      /unexpected [`'"]?tool_(?:use_id|result)/i,
      /\binvalid schema\b/i,
      /could not parse the json body/i,
      /\bmessages?['"`]?:? (?:is|are|must|cannot|should)[^.]{0,20}(?:empty|required|at least one)/i,
      /at least one message|insufficient tool messages/i,
    ],
    isFinal: true,
    source: "OpenAI, DeepSeek, Anthropic",
  },
  {
    kind: "unsupported",
    status: [400, 422],
    text: [
      /tool.?call.?ids?\b.{0,80}(?:must be|length|long|format|match)/i,
      /tool_calls\[\d+\]\.id/,
      /reasoning_content|thought.?signature|thinking[` ](?:mode|blocks?)/i,
      /roles must alternate|turn comes immediately after|must be the (?:first|last) message/i,
    ],
    source: "Mistral's tool-call ids, DeepSeek's and Google's reasoning, chat templates",
  },
  {
    kind: "context-length",
    status: [...VAGUE, 409],
    when: ({ message }) => saysPromptIsTooLong(message),
    source: "a rule about the words, in prompt-too-long.ts",
  },
  {
    kind: "unsupported",
    status: VAGUE,
    text: [
      /(?:does|do)(?:n't| not) (?:currently )?support/i,
      /not (?:currently )?supported|unsupported/i,
      /only support(?:s|ed)?\b/i,
      /no endpoints found/i,
      /not permitted|does not accept/i,
      /unknown (?:variant|field|name)|cannot find field/i,
      /unrecognized (?:request )?(?:argument|field)/i,
      /max_(?:\w+_)?tokens|image input|enable_thinking/i,
    ],
    source: "Ollama, DeepSeek, OpenRouter 404, DashScope, Mistral 422, Groq, Google",
  },
  {
    kind: "not-found",
    status: VAGUE,
    text: [
      /\bmodel\b.{0,80}\b(?:not exist|not found|not available|no longer|not a valid)\b/i,
      /\bmodel\b.{0,80}\b(?:decommissioned|deprecated|unknown)\b/i,
      /not a valid model|\b(?:invalid|unknown|no such) model\b|模型不存在/i,
    ],
    source: "DeepSeek, OpenRouter, LiteLLM, Ollama",
  },
  {
    kind: "unsupported",
    status: [400],
    text: [/provider returned error/i],
    source: "OpenRouter: what its upstream refused, another may take",
  },

  // Statuses.
  { kind: "quota-exhausted", status: [402], source: "RFC 9110" },
  { kind: "authentication", status: [401, 403], source: "RFC 9110" },
  { kind: "not-found", status: [404, 405, 410], source: "RFC 9110" },
  {
    kind: "transient",
    status: [408, 409, 421, 423, 424, 425, 499],
    source: "RFC 9110, RFC 4918, RFC 8470; nginx 499",
  },
  { kind: "context-length", status: [413], source: "RFC 9110: the content is too large" },
  { kind: "rate-limited", status: [429, 449, 498], source: "RFC 6585; iFlow 449; Groq 498" },
  {
    kind: "server-error",
    status: (status) => status >= 500,
    source: "RFC 9110; Cloudflare 520 to 524, Anthropic 529",
  },
  { kind: "bad-request", status: (status) => status >= 400, source: "RFC 9110" },

  // An error in an answer with status 200 has only its general code or its words.
  {
    kind: "authentication",
    code: [/authentication|unauthorized|permission_?(?:denied|error)/i],
    source: "in-band errors",
  },
  {
    kind: "server-error",
    code: [/server_?error|internal|overloaded|unavailable|bad_gateway|upstream|timeout|api_error/i],
    source: "in-band errors",
  },
  {
    kind: "bad-request",
    code: [/invalid_?(?:request|argument|param)|bad_?request/i],
    source: "in-band errors",
  },
  {
    kind: "rate-limited",
    when: hasNoStatus,
    text: [/rate.?limit|too many requests|overloaded/i],
    source: "in-band errors",
  },
];
