/** Calls at a time. */
export const concurrency = 16;
const wordsPerAnswer = 20;
/** Between two words of an answer. */
export const wordMs = 40;
/** The first model is down from then, for that long. */
export const outage = { fromMs: 10_000, lengthMs: 30_000 };
/** Time limit of the contenders for the first token. */
export const timeoutMs = 3000;
/** Longest silence in mid-stream, for those that can limit it. */
export const idleMs = 2000;
/** A call that takes longer has hung; nobody would wait for it. */
export const giveUpMs = 60_000;
/** The chain. */
export const models = { primary: "primary", backup: "backup" };
/** USD per million tokens, to see who pays for answers thrown away or for the dearer model. */
export const prices: Readonly<Record<string, { readonly input: number; readonly output: number }>> =
  {
    primary: { input: 1, output: 4 },
    backup: { input: 3, output: 12 },
  };

type Fault = "429 with hint" | "500" | "503" | "stall" | "cut" | "reset";

const shares: readonly (readonly [Fault, number])[] = [
  ["429 with hint", 0.08],
  ["500", 0.05],
  ["503", 0.03],
  ["stall", 0.02],
  ["cut", 0.02],
  ["reset", 0.02],
];

/** A number in [0, 1) that depends on nothing but its arguments (mulberry32's mixing). */
function pseudoRandom(seed: number, ...parts: readonly number[]): number {
  let state = seed;
  for (const part of parts) {
    state = Math.imul(state ^ part, 0x9e37_79b1) + 0x6d2b_79f5;
    state = Math.imul(state ^ (state >>> 15), state | 1);
    state ^= state + Math.imul(state ^ (state >>> 7), state | 61);
  }
  return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
}

/** What happens to an attempt at a call; depends on nothing but the seed. */
export function pickFault(seed: number, call: number, attempt: number): Fault | undefined {
  let position = pseudoRandom(seed, call, attempt);
  for (const [fault, share] of shares) {
    if (position < share) return fault;
    position -= share;
  }
  return undefined;
}

/** The right answer to a call. */
export function wordsOf(seed: number, call: number): string[] {
  return Array.from({ length: wordsPerAnswer }, (_, index) =>
    Math.floor(pseudoRandom(seed, call, index, 7) * 36 ** 4).toString(36),
  );
}
