/**
 * Money is added up in whole trillionths of a dollar. Prices are given per million tokens, with no more than six
 * digits after the point, so what a token costs is a whole number of these. Sums of fractions drift.
 */
const PER_USD = 1e12;

/** An amount in USD as whole trillionths. */
export function toPicoUsd(usd: number): bigint {
  return BigInt(Math.round(usd * PER_USD));
}

/** The number in USD that is nearest to an amount. */
export function fromPicoUsd(picoUsd: bigint): number {
  // Read as a decimal number it is rounded once. A division of a large amount would round twice.
  return Number(`${picoUsd}e-12`);
}
