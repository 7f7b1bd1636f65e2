/**
 * The condition that a field has one of some values. Of one value alone it is an equality: not every
 * server goes by an index where some fields are to be equal and others are one of several.
 */
export function oneOf<T>(values: readonly T[]): T | { $in: T[] } {
  const distinct = [...new Set(values)];
  return distinct.length === 1 ? distinct[0]! : { $in: distinct };
}
