/** The time of this many tokens of a prompt, or of an answer, passes before the first token of a small one. */
const PROMPT_TOKENS_PER_UNIT = 1500;
const OUTPUT_TOKENS_PER_UNIT = 25;

/**
 * How much work a request is, compared with one that has next to no prompt and answer, which is 1. Of
 * the usual services one starts to answer after 0.3 to 0.5 s, reads 5,000 to 10,000 tokens and writes 50
 * to 100 tokens in a second. Only the ratios of these figures count: how fast a model is, is measured.
 */
export function measureRequest(promptTokens: number, outputTokens: number): number {
  return 1 + promptTokens / PROMPT_TOKENS_PER_UNIT + outputTokens / OUTPUT_TOKENS_PER_UNIT;
}
