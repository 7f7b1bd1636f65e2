/** Characters that do not repeat themselves, so that compression leaves them large; the same for a seed. */
export function randomText(length: number, seed = 1): string {
  let state = seed;
  const letters = Buffer.alloc(length);
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    letters[index] = 33 + ((state >>> 24) % 90);
  }
  return letters.toString("latin1");
}
