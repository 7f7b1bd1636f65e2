/** Names are alike if at most one letter in so many differs. */
const LETTERS_PER_CHANGE = 3;

/**
 * The name that is most like `name`, for a question such as "did you mean …?". Case, `_` and `-` do not
 * count; letters that are missing, too many, wrong or swapped do. Undefined if none is much like it.
 */
export function findNearestName(name: string, names: readonly string[]): string | undefined {
  const wanted = normalize(name);
  let nearest: string | undefined;
  let fewest = Math.floor(wanted.length / LETTERS_PER_CHANGE) + 1;
  for (const candidate of names) {
    const changes = countChanges(wanted, normalize(candidate), fewest);
    if (changes >= fewest) continue;
    fewest = changes;
    nearest = candidate;
  }
  return nearest;
}

function normalize(name: string): string {
  return name.replaceAll(/[_-]/g, "").toLowerCase();
}

/**
 * How many letters have to be inserted, removed, replaced or swapped with the next one to make `to` of
 * `from` (the optimal string alignment distance). Lengths that differ by `limit` are not compared.
 */
function countChanges(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped =
        row > 1 &&
        column > 1 &&
        from[row - 1] === to[column - 2] &&
        from[row - 2] === to[column - 1];
      current[column] = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (isSame ? 0 : 1),
        isSwapped ? beforeLast[column - 2]! + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length]!;
}
