const NUMBERS = new Intl.NumberFormat("en-US");

/** A number with its thousands apart, for people. */
export function formatNumber(count: number): string {
  return NUMBERS.format(count);
}

/** A number of things, for example `1 thread` or `2,000 threads`. */
export function formatCount(count: number, thing: string): string {
  return `${formatNumber(count)} ${thing}${count === 1 ? "" : "s"}`;
}
