import type { SimilarityFunction } from "./options.ts";

/**
 * Scores the similarity of two vectors from 0 to 1, like `$vectorSearch`: (1 + cosine) / 2,
 * (1 + dot product) / 2, 1 / (1 + squared distance). A vector of zeros has no direction: its cosine counts as 0.
 */
export function scoreSimilarity(
  similarity: SimilarityFunction,
  a: readonly number[],
  b: readonly number[],
): number {
  switch (similarity) {
    case "cosine": {
      const lengths = Math.sqrt(multiply(a, a) * multiply(b, b));
      return (1 + (lengths === 0 ? 0 : multiply(a, b) / lengths)) / 2;
    }
    case "dotProduct":
      return (1 + multiply(a, b)) / 2;
    case "euclidean":
      return 1 / (1 + measureSquaredDistance(a, b));
  }
}

function multiply(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += a[index]! * b[index]!;
  return sum;
}

function measureSquaredDistance(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index]! - b[index]!) ** 2;
  return sum;
}
