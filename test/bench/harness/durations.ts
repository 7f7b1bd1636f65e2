/** Does something and returns how many milliseconds that took. */
export async function measureMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/**
 * Does something again and again and returns how many milliseconds each time took.
 *
 * @param atMost times
 * @param budgetMs after this time there is no further one: a slow saver must not take all day
 */
export async function sampleMs(
  work: () => Promise<unknown>,
  { atMost, budgetMs = 15_000 }: { atMost: number; budgetMs?: number },
): Promise<number[]> {
  const samples: number[] = [];
  const start = performance.now();
  do {
    samples.push(await measureMs(work));
  } while (samples.length < atMost && performance.now() - start < budgetMs);
  return samples;
}
