import { findForeignSymbol, findKnownClass, type KnownClass } from "./langchain-classes.ts";
import { TAG } from "./tags.ts";

/**
 * The stored form of an object of a known class, laid out as its instances are. To compare the two takes no
 * look-up of keys, and nothing has to be taken apart.
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

/** Lays out a stored line; undefined if it is no object of a known class, or an unusual one. */
export function layOutMessage(tree: unknown): MessageForm | undefined {
  if (typeof tree !== "object" || tree === null) return undefined;
  const { [TAG]: tag, v } = tree as { readonly [TAG]?: unknown; readonly v?: unknown };
  if (tag !== "message") return undefined;
  const [className, fields, extra] = v as [unknown, MessageForm["fields"], unknown];
  const known = findKnownClass(className);
  if (known === undefined || extra !== undefined) return undefined;
  const { keyOrder, fieldKeys } = known;
  // A field that its instances do not keep is found nowhere but in what their constructor was given.
  if (!Object.keys(fields).every((key) => fieldKeys.includes(key))) return undefined;
  const parts = keyOrder.map((key) => {
    if (!fieldKeys.includes(key)) return NO_FIELD;
    return Object.hasOwn(fields, key) ? fields[key] : NOT_STORED;
  });
  return { known, fields, parts };
}

/**
 * Whether a value is certainly encoded in this form. If it is not certain, the value has to be taken apart.
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
    if (key !== keys[index]) return false;
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
