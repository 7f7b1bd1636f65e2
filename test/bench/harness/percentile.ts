/**
 * The value that a share of the samples does not exceed (nearest rank).
 *
 * @param share from 0 to 1; 0.5 for the median
 * @throws RangeError if there are no samples
 */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError("A percentile needs at least one sample.");
  return value;
}

/** The value in the middle. */
export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}
