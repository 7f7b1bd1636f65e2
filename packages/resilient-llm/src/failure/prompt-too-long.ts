/** Words for what is sent to a model. */
const PROMPT =
  /\b(?:prompts?|inputs?|context|messages?|conversation|sequence|requests?|body|content|payload|tokens)\b/i;
/** Words for how much of it there is. */
const AMOUNT = /\b(?:tokens?|context|length|long|size|char(?:acter)?s?)\b|maxLength|n_ctx/i;
/** Words for too much. */
const EXCESS =
  /exceed|too (?:long|large|many|big)|(?:longer|larger|greater|more|less|fewer) than|overflow|beyond|\bmax(?:imum|Length)?\b|reduce the|shorten|range of|truncate|[<>]=? ?[\dn`]|≤/i;
/** Limits on something else: requests over time, money, one field of the request, a file. */
const OTHER_LIMIT =
  /\bper (?:second|min(?:ute)?|hour|day|month)\b|\b[tr]p[smhd]\b|rate.?limit|quota|budget|balance|\bcredits?\b|too many requests|tool_calls?\b|tool call|function\.name|\bdescription\b|megapixel|\b[kmg]b\b|\bbytes\b/i;
/** The answer is to be longer than the model's answers are, whatever the prompt. */
const ANSWER_TOO_LONG =
  /max_(?:\w+_)?tokens\W{0,5}(?:or\W+max_\w+\W+)?(?:is|are)? ?too (?:large|big|high)|max_(?:\w+_)?tokens must be|value for max_(?:\w+_)?tokens/i;
const OUTPUT = /max_(?:\w+_)?tokens|(?:completion|output) tokens/i;
const INPUT = /\b(?:inputs?|prompt|context|messages?)\b/i;

/**
 * Whether a text says that the prompt is too long for the model, in whatever words: it names the
 * prompt, an amount and an excess, and does not speak of another limit. A list of wordings would miss
 * the next server's.
 */
export function saysPromptIsTooLong(text: string): boolean {
  if (!EXCESS.test(text) || !PROMPT.test(text) || !AMOUNT.test(text)) return false;
  if (OTHER_LIMIT.test(text) || ANSWER_TOO_LONG.test(text)) return false;
  return INPUT.test(text) || !OUTPUT.test(text);
}

/** A smaller number in such a text is not the size of a window. */
const SMALLEST_WINDOW_TOKENS = 256;

/** Where texts name the window, surest first. */
const WINDOW_PATTERNS: readonly RegExp[] = [
  // "208310 tokens > 200000 maximum", "n_keep (5000) >= n_ctx (4096)"
  />=?\s*(?:n_ctx\s*)?\(?([\d,]{3,})/,
  // "Range of input length should be [1, 30720]"
  /\[\s*\d+\s*,\s*([\d,]{3,})\s*\]/,
  // "too large for model with 32768 maximum context length"
  /([\d,]{3,})\s+(?:tokens?\s+)?max(?:imum)?\b/i,
  // "the model's context length is only 8192 tokens", "model token limit: 8192"
  /(?:context (?:length|window|size)|model length|token limit|max(?:imum)?(?:Length)?|limit|allowed|cannot exceed|at most|less than|<=)\D{0,40}?([\d,]{3,})/i,
];

/** The window, in tokens, that such a text names. */
export function readWindowTokens(text: string): number | undefined {
  // A limit in characters is no window.
  if (/\b(?:string|char(?:acter)?s?)\b|maxLength/i.test(text)) return undefined;
  for (const pattern of WINDOW_PATTERNS) {
    const match = pattern.exec(text);
    const tokens = Number(match?.[1]?.replaceAll(",", ""));
    if (tokens >= SMALLEST_WINDOW_TOKENS) return tokens;
  }
  return undefined;
}
