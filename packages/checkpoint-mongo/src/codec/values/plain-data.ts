/** Whether an array is only its items: no holes, no extra keys, no toJSON. */
export function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value) && isDense(value) && !hasToJson(value);
  } catch {
    // For example a revoked Proxy. The encoder reports what is wrong with it.
    return false;
  }
}

/** Whether an object is only its enumerable keys: no class, no symbol keys, no toJSON. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  try {
    return (
      !Array.isArray(value) &&
      isPlainPrototype(Object.getPrototypeOf(value)) &&
      Object.getOwnPropertySymbols(value).length === 0 &&
      !hasToJson(value) &&
      readSend(value) === undefined
    );
  } catch {
    return false;
  }
}

/** Whether a value is an object of no class, in whichever realm it was made. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    isPlainPrototype(Object.getPrototypeOf(value))
  );
}

/** Whether objects with this prototype are of no class, in whichever realm they were made. */
export function isPlainPrototype(prototype: unknown): boolean {
  if (prototype === Object.prototype || prototype === null) return true;
  return (
    Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "isPrototypeOf")
  );
}

/** Whether an array has an item at each index and no other enumerable keys of its own. */
export function isDense(items: readonly unknown[]): boolean {
  // Indices come first, in order: if an extra key makes up for a hole, the last key is not the last index.
  const keys = Object.keys(items);
  return (
    keys.length === items.length &&
    (keys.length === 0 || keys.at(-1) === String(keys.length - 1)) &&
    findSymbolKey(items) === undefined
  );
}

/**
 * Whether an object or its class has a toJSON that counts. Some libraries add one to classes of the
 * language, such as Set. Those do not count: what is stored must not depend on which libraries are loaded.
 */
export function hasToJson<T extends object>(
  value: T,
): value is T & { toJSON: (key: string) => unknown } {
  const { toJSON } = value as { readonly toJSON?: unknown };
  return typeof toJSON === "function" && !isGivenToBuiltIn(value, toJSON);
}

function isGivenToBuiltIn(value: object, toJSON: { readonly name: string }): boolean {
  let holder: object | null = value;
  while (holder !== null && !Object.hasOwn(holder, "toJSON")) {
    holder = Object.getPrototypeOf(holder) as object | null;
  }
  if (holder === null || !Object.hasOwn(holder, "constructor")) return false;
  const { constructor } = holder as { readonly constructor: unknown };
  return (
    typeof constructor === "function" &&
    constructor.prototype === holder &&
    isNative(constructor) &&
    // Some classes of the language have a toJSON of their own.
    !(toJSON.name === "toJSON" && isNative(toJSON))
  );
}

function isNative(callable: object): boolean {
  return Function.prototype.toString.call(callable).endsWith("{ [native code] }");
}

/** An enumerable symbol key of an object itself. */
export function findSymbolKey(value: object): symbol | undefined {
  const symbols = Object.getOwnPropertySymbols(value);
  return symbols.length === 0
    ? undefined
    : symbols.find((key) => Object.prototype.propertyIsEnumerable.call(value, key));
}

/**
 * The form that LangGraph's own serializer gives a `Send` of any copy of LangGraph; undefined for other
 * objects. A plain object with only the keys of a Send counts too: `toJSON` of a `Command` returns such.
 */
export function readSend(value: object): object | undefined {
  const send = value as { lg_name?: unknown; node?: unknown; args?: unknown; timeout?: unknown };
  if (send.lg_name !== "Send") return undefined;
  if (
    isPlainPrototype(Object.getPrototypeOf(value)) &&
    !Object.keys(value).every((key) => SEND_KEYS.has(key))
  ) {
    return undefined;
  }
  const { node, args, timeout } = send;
  return timeout === undefined ? { node, args } : { node, args, timeout };
}

const SEND_KEYS: ReadonlySet<string> = new Set(["lg_name", "node", "args", "timeout"]);
