/** Calls at a time. */
export const CONCURRENCY = 16;
const WORDS_PER_ANSWER = 20;
/** Between two words of an answer. */
export const WORD_MS = 40;
/** The first model is down from then, for that long. */
export const OUTAGE = { fromMs: 10_000, lengthMs: 30_000 };
/** Share of the attempts that meet a fault. */
export const FAULT_SHARE = 0.22;
/** Time limit of the contenders for the first token. */
export const TIMEOUT_MS = 3000;
/** Longest silence in mid-stream, for those that can limit it. */
export const IDLE_MS = 2000;
/** A call that takes longer has hung; nobody would wait for it. */
export const GIVE_UP_MS = 60_000;
/** The chain. */
export const MODELS = { primary: "primary", backup: "backup" };
/** USD per million tokens, to see who pays for answers thrown away or for the dearer model. */
export const PRICES: Readonly<Record<string, { readonly input: number; readonly output: number }>> =
  {
    primary: { input: 1, output: 4 },
    backup: { input: 3, output: 12 },
  };
/** Tokens of a question. */
export const PROMPT_TOKENS = 10;

/** A number in [0, 1) that depends on nothing but its arguments (mulberry32's mixing). */
export function drawNumber(...parts: readonly number[]): number {
  let state = 0;
  // The seed is mixed like the others: only combined with the call, it would do no more than reorder calls.
  for (const part of parts) {
    state = Math.imul(state ^ part, 0x9e37_79b1) + 0x6d2b_79f5;
    state = Math.imul(state ^ (state >>> 15), state | 1);
    state ^= state + Math.imul(state ^ (state >>> 7), state | 61);
  }
  return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
}

/** The question of a call. */
export function askIn(call: number): string {
  return `Question ${call}`;
}

/** The call that a prompt belongs to. */
export function findCall(prompt: string): number {
  return Number(/Question (\d+)/.exec(prompt)?.[1]);
}

/** The right answer to a call, one token a word. */
export function answerTo(seed: number, call: number): string {
  return Array.from({ length: WORDS_PER_ANSWER }, (_, index) =>
    Math.floor(drawNumber(seed, call, index, 7) * 36 ** 4).toString(36),
  ).join(" ");
}
