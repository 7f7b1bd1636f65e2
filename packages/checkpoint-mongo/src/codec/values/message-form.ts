import { findForeignSymbol, findKnownClass, type KnownClass } from "./langchain-classes.ts";
import { TAG } from "./tags.ts";

/**
 * The stored form of an object of a known class, its fields in the order in which an instance has its keys.
 * So an instance is compared with it by going through both once, without taking the instance apart.
 */
export interface MessageForm {
  readonly known: KnownClass;
  /** By name, in the order in which they are stored. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** For each key of an instance its stored field, or one of the marks below. */
  readonly parts: readonly unknown[];
}

/** The mark of a field that an object does not have in its stored form. */
const NOT_STORED: unique symbol = Symbol("not stored");

/** The mark of a key that is no field. */
const NO_FIELD: unique symbol = Symbol("no field");

/**
 * Lays out a parsed line.
 *
 * @returns undefined if it is no object of a known class, or holds more than an instance of it has
 */
export function layOutMessage(tree: unknown): MessageForm | undefined {
  if (typeof tree !== "object" || tree === null) return undefined;
  const { [TAG]: tag, v } = tree as { readonly [TAG]?: unknown; readonly v?: unknown };
  if (tag !== "message") return undefined;
  const [className, fields, extra] = v as [unknown, MessageForm["fields"], unknown];
  const known = findKnownClass(className);
  if (known === undefined || extra !== undefined) return undefined;
  const { keyOrder, fieldKeys } = known;
  // Instances do not keep such a field; they only know that their constructor was given it.
  if (!Object.keys(fields).every((key) => fieldKeys.includes(key))) return undefined;
  const parts = keyOrder.map((key) => {
    if (!fieldKeys.includes(key)) return NO_FIELD;
    return Object.hasOwn(fields, key) ? fields[key] : NOT_STORED;
  });
  return { known, fields, parts };
}

/**
 * Whether a value is encoded in this form. It may be even if this is false, for example if its keys are in
 * another order: then it has to be taken apart.
 *
 * @param isSame whether a part is encoded as a stored one
 */
export function hasForm(
  value: unknown,
  { known, fields, parts }: MessageForm,
  isSame: (part: unknown, key: string, expected: unknown) => boolean,
): boolean {
  if (typeof value !== "object" || value === null || !isInstance(value, known)) return false;
  const instance = value as Readonly<Record<string, unknown>>;
  const given = instance["lc_kwargs"];
  if (typeof given !== "object" || given === null) return false;
  if (!areSameKeys(Object.keys(given), Object.keys(fields))) return false;
  const keys = known.keyOrder;
  let index = 0;
  // A loop over an object's own keys reads its properties without looking them up.
  for (const key in instance) {
    if (key !== keys[index]) {
      // Own keys come first. After them comes what a library has added to all objects.
      if (index === keys.length && !Object.hasOwn(instance, key)) break;
      return false;
    }
    const expected = parts[index];
    index += 1;
    if (expected === NO_FIELD) continue;
    const part = instance[key];
    if (expected === NOT_STORED ? part !== undefined : !isSame(part, key, expected)) return false;
  }
  return index === keys.length && findForeignSymbol(value) === undefined;
}

/** Of the class itself, and of no other one that says so. */
function isInstance(value: object, known: KnownClass): boolean {
  return (
    Object.getPrototypeOf(value) === known.class.prototype &&
    value.constructor === known.class &&
    !Array.isArray(value)
  );
}

function areSameKeys(keys: readonly string[], others: readonly string[]): boolean {
  if (keys.length !== others.length) return false;
  for (let index = 0; index < keys.length; index += 1) {
    if (keys[index] !== others[index]) return false;
  }
  return true;
}
