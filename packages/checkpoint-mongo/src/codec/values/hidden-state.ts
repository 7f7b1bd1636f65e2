import { types } from "node:util";

/** Why the enumerable keys of a class instance do not show what it holds; undefined if they may. */
export function explainHiddenState(value: object): string | undefined {
  if (ArrayBuffer.isView(value)) return "bytes of memory that is shared have no stored form.";
  const builtIn = findBuiltInName(value);
  if (builtIn !== undefined) {
    return `${/^[AEIOU]/.test(builtIn) ? "an" : "a"} ${builtIn} has no stored form.`;
  }
  if (Object.keys(value).length === 0) {
    return (
      `it is a ${readClassName(value)} without enumerable properties of its own, so what it holds ` +
      "cannot be read. A toJSON method can say what is to be stored."
    );
  }
  const prototype = Object.getPrototypeOf(value) as object;
  return !Object.hasOwn(prototype, "constructor") && Object.keys(prototype).length > 0
    ? "it inherits properties from another object, which would be lost."
    : undefined;
}

/** Why an object without a class cannot be stored without its symbol keys; undefined if it can. */
export function explainHiddenRecord(value: object): string | undefined {
  if (types.isArgumentsObject(value)) {
    return "an arguments object has no stored form; an array of the arguments has.";
  }
  // A module, or a namespace such as Math.
  return Object.hasOwn(value, Symbol.toStringTag)
    ? `the object ${readTag(value)} has no stored form.`
    : undefined;
}

/**
 * The name of the built-in class of an object, also if its own class extends that one. Only classes of the
 * language and of the web's interfaces have a tag that cannot be written to: Promise, WeakMap, Headers,
 * Intl.NumberFormat, WebAssembly.Module, the iterators.
 */
function findBuiltInName(value: object): string | undefined {
  let prototype = Object.getPrototypeOf(value) as object | null;
  while (prototype !== null) {
    const tag = Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag);
    if (tag?.writable === false && typeof tag.value === "string") return tag.value;
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return undefined;
}

function readClassName(value: object): string {
  const { constructor } = value as { constructor?: unknown };
  return typeof constructor === "function" && constructor.name !== ""
    ? constructor.name
    : readTag(value);
}

function readTag(value: object): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}
