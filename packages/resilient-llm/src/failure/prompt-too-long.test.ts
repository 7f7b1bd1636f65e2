import { expect, it } from "vitest";
import { readWindowTokens, saysPromptIsTooLong } from "./prompt-too-long.ts";

it.each<[string, number | undefined]>([
  [
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
    8192,
  ],
  [
    "This model's maximum context length is 4097 tokens, however you requested 5000 tokens (1000 in your prompt; 4000 for the completion).",
    4097,
  ],
  ["prompt is too long: 208310 tokens > 200000 maximum", 200_000],
  [
    "input length and `max_tokens` exceed context limit: 195000 + 8192 > 200000, decrease input length or `max_tokens` and try again",
    200_000,
  ],
  [
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    1_048_576,
  ],
  ["The decoder prompt (length 9000) is longer than the maximum model length of 8192.", 8192],
  ["the request exceeds the available context size, try increasing it", undefined],
  ["Range of input length should be [1, 30720]", 30_720],
  ["Invalid request: Your request exceeded model token limit: 8192", 8192],
  [
    "`inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens and 512 `max_new_tokens`",
    8193,
  ],
  ["Input is too long for requested model.", undefined],
  [
    "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000",
    4081,
  ],
  [
    "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    32_768,
  ],
  ["This model's maximum prompt length is 131072 but the request contains 200000 tokens.", 131_072],
  ["the input length exceeds the context length", undefined],
  ["Cannot truncate prompt with n_keep (5000) >= n_ctx (4096)", 4096],
  [
    "The number of tokens to keep from the initial prompt is greater than the context length",
    undefined,
  ],
  ["The input (9000 tokens) is longer than the model's context length (8192 tokens).", 8192],
  ["Requested token count exceeds the model's maximum context length of 8192 tokens.", 8192],
  ["The prompt is too long: 9000, model maximum context length: 8191", 8191],
  ["Prompt exceeds max length", undefined],
  [
    "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192",
    8192,
  ],
  ["`inputs` must have less than 1024 tokens. Given: 5000", 1024],
  ["Request body too large for gpt-4.1 model. Max size: 8000 tokens.", 8000],
  ["prompt token count of 130000 exceeds the limit of 128000", 128_000],
  ["invalid params, context window exceeds limit", undefined],
  ["Your input exceeds the context window of this model.", undefined],
  ["Total tokens of image and text exceed max message tokens.", undefined],
  [
    "Malformed input request: expected maxLength: 42000, actual: 50000, please reformat your input",
    undefined,
  ],
  ["Input length 9000 exceeds maximum allowed token size 8192", 8192],
  [
    "Your conversation is too long: it has 120,000 tokens, more than the 100,000 that fit",
    undefined,
  ],
])("sees that the prompt is too long: %s", (text, windowTokens) => {
  expect(saysPromptIsTooLong(text)).toBe(true);
  expect(readWindowTokens(text)).toBe(windowTokens);
});

it.each([
  "max_tokens must be between 1 and 4096",
  "max_tokens is too large: 50000. This model supports at most 16384 completion tokens, whereas you provided 50000.",
  "'max_tokens' or 'max_completion_tokens' is too large: 9000. This model's maximum context length is 8192 tokens and your request has 100 input tokens",
  "max_tokens: 10000 > 8192, which is the maximum allowed number of output tokens",
  "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
  "Rate limit reached on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000.",
  "This request would exceed your organization's rate limit of 40,000 input tokens per minute.",
  "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 40",
  "Invalid 'tools': array too long. Expected an array with maximum length 128, but got 200",
  "The image size exceeds the maximum of 20 MB for this request",
  "Budget has been exceeded! Current cost: 5.1, Max budget: 5.0",
  "temperature must be less than or equal to 2",
  "Too many requests, please slow down",
  "You have exceeded your monthly included credits",
])("is not misled by another limit: %s", (text) => {
  expect(saysPromptIsTooLong(text)).toBe(false);
});
