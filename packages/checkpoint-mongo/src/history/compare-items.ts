import { inspect } from "node:util";
import { encodeValue } from "../codec/values/encode-value.ts";

/** How the items of a list differ from those of another one. */
export interface ItemChanges {
  /** Items after all that both lists have. */
  readonly appended: readonly unknown[];
  /** Further items that only the second list has. */
  readonly inserted: readonly unknown[];
  /** Items that only the first list has. */
  readonly removed: readonly unknown[];
  /** Items with the same `id` in both lists that are not the same, such as edited messages. */
  readonly changed: readonly { readonly before: unknown; readonly after: unknown }[];
}

/** An item, and the text that it is compared by. */
interface Item {
  readonly text: string;
  readonly value: unknown;
}

/** Beyond that many comparisons, what lies between the first and the last difference is taken as a whole. */
const MAX_COMPARISONS = 4_000_000;

/**
 * Compares two lists item by item.
 *
 * @param hasCommonEnd whether both go on with the same items
 * @returns undefined if they are the same
 */
export function compareItems(
  before: readonly unknown[],
  after: readonly unknown[],
  hasCommonEnd: boolean,
): ItemChanges | undefined {
  const a = toItems(before);
  const b = toItems(after);
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start]!.text === b[start]!.text) start += 1;
  let end = 0;
  while (end < shorter - start && a.at(-1 - end)!.text === b.at(-1 - end)!.text) end += 1;
  const ownA = a.slice(start, a.length - end);
  const ownB = b.slice(start, b.length - end);
  if (ownA.length === 0 && ownB.length === 0) return undefined;
  const common = findCommon(ownA, ownB);
  const onlyA = ownA.filter((_, index) => !common.a.has(index));
  const onlyB = ownB
    .map((item, index) => ({ item, isAtEnd: index > common.lastB }))
    .filter((_, index) => !common.b.has(index));
  const changed = pairById(
    onlyA,
    onlyB.map(({ item }) => item),
  );
  const edited = new Set(changed.flatMap(({ a: one, b: other }) => [one, other]));
  const added = onlyB.filter(({ item }) => !edited.has(item));
  const isEnd = end === 0 && !hasCommonEnd;
  return {
    appended: added.filter(({ isAtEnd }) => isEnd && isAtEnd).map(({ item }) => item.value),
    inserted: added.filter(({ isAtEnd }) => !(isEnd && isAtEnd)).map(({ item }) => item.value),
    removed: onlyA.filter((item) => !edited.has(item)).map(({ value }) => value),
    changed: changed.map(({ a: one, b: other }) => ({ before: one.value, after: other.value })),
  };
}

function toItems(values: readonly unknown[]): readonly Item[] {
  return values.map((value) => ({ text: toText(value), value }));
}

/** The text that a value is stored as. What a serializer of the user's has made may have none. */
export function toText(value: unknown): string {
  try {
    return encodeValue(value, "value");
  } catch {
    return inspect(value, { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity });
  }
}

/** The positions of a longest common subsequence in both lists. */
interface Common {
  readonly a: ReadonlySet<number>;
  readonly b: ReadonlySet<number>;
  /** The last position in the second list; -1 for none. */
  readonly lastB: number;
}

function findCommon(a: readonly Item[], b: readonly Item[]): Common {
  const inA = new Set<number>();
  const inB = new Set<number>();
  if (a.length > 0 && b.length > 0 && a.length * b.length <= MAX_COMPARISONS) {
    const lengths = measureCommon(a, b);
    let i = 0;
    let j = 0;
    while (i < a.length && j < b.length) {
      if (a[i]!.text === b[j]!.text) {
        inA.add(i);
        inB.add(j);
        i += 1;
        j += 1;
      } else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i += 1;
      else j += 1;
    }
  }
  return { a: inA, b: inB, lastB: Math.max(-1, ...inB) };
}

/** For each two positions, how many items the rests from there have in common, in order. */
function measureCommon(a: readonly Item[], b: readonly Item[]): readonly Uint32Array[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    const row = lengths[i]!;
    const below = lengths[i + 1]!;
    for (let j = b.length - 1; j >= 0; j -= 1) {
      row[j] = a[i]!.text === b[j]!.text ? below[j + 1]! + 1 : Math.max(below[j]!, row[j + 1]!);
    }
  }
  return lengths;
}

function pairById(
  a: readonly Item[],
  b: readonly Item[],
): readonly { readonly a: Item; readonly b: Item }[] {
  const byId = new Map(b.map((item) => [readId(item), item]));
  return a.flatMap((item) => {
    const id = readId(item);
    const other = id === undefined ? undefined : byId.get(id);
    return other === undefined ? [] : [{ a: item, b: other }];
  });
}

function readId({ value }: Item): string | undefined {
  const id: unknown =
    typeof value === "object" && value !== null ? (value as { id?: unknown }).id : undefined;
  return typeof id === "string" && id !== "" ? id : undefined;
}
