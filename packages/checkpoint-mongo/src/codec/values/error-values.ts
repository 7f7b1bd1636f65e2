import { types } from "node:util";

/** The stored form of an Error. */
export interface ErrorParts {
  /** Its built-in class, or the one that its class extends. */
  readonly className: string;
  /** The properties that every Error of its class has, enumerable or not. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Its enumerable properties. A field that was made enumerable is among them. */
  readonly own: Readonly<Record<string, unknown>>;
  /** Its enumerable properties under symbols of the global registry, by which libraries mark errors. */
  readonly marks: Readonly<Record<string, unknown>>;
}

/** An Error to store, and a key of it that would be lost: any other symbol. */
interface TakenApart extends ErrorParts {
  readonly unstorableKey: symbol | undefined;
}

/** Whether a value is an Error, in whichever realm it was made. */
export function isError(value: object): value is Error {
  // Error.isError came with Node.js 24.
  // oxlint-disable-next-line typescript/no-deprecated
  return types.isNativeError(value) || value instanceof Error;
}

/** Takes an Error apart: name, message, stack, cause and the further fields of its built-in class. */
export function takeErrorApart(error: Error): TakenApart {
  const values = error as unknown as Readonly<Record<string | symbol, unknown>>;
  const className = findBuiltInClass(error);
  const fields: [string, unknown][] = [
    ["name", error.name],
    ["message", error.message],
    ...["stack", "cause", ...(MORE_FIELDS[className] ?? [])]
      .filter((key) => Object.hasOwn(error, key))
      .map((key): [string, unknown] => [key, values[key]]),
  ];
  const symbols = Object.getOwnPropertySymbols(error).filter((symbol) =>
    Object.prototype.propertyIsEnumerable.call(error, symbol),
  );
  const marks = symbols.map((symbol): [unknown, unknown] => [
    Symbol.keyFor(symbol),
    values[symbol],
  ]);
  return {
    className,
    // These define keys, so that "__proto__" is a key like any other.
    fields: Object.fromEntries(fields),
    own: Object.fromEntries(Object.entries(error)),
    marks: Object.fromEntries(marks) as Record<string, unknown>,
    unstorableKey: symbols.find((symbol) => Symbol.keyFor(symbol) === undefined),
  };
}

/**
 * Rebuilds an Error. An error of a built-in class comes back as that class. Any other comes back as the
 * built-in class that it extends, with its name, because code is never revived.
 */
export function rebuildError({ className, fields, own, marks }: ErrorParts): Error {
  const error = construct(className, fields);
  for (const [key, value] of Object.entries(fields)) {
    // Name and message may be the class's.
    const isThere = (key === "name" || key === "message") && error[key as keyof Error] === value;
    // As on a new Error: not enumerable.
    if (!isThere) define(error, key, value, { enumerable: false });
  }
  if (!Object.hasOwn(fields, "stack")) delete error.stack;
  for (const [key, value] of Object.entries(own)) define(error, key, value, { enumerable: true });
  for (const [key, value] of Object.entries(marks)) {
    define(error, Symbol.for(key), value, { enumerable: true });
  }
  return error;
}

/** JavaScript's own error classes whose constructor takes a message. */
const CLASSES: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** The other built-in error classes, and the further fields of their errors. */
const MORE_FIELDS: Readonly<Record<string, readonly string[]>> = {
  AggregateError: ["errors"],
  DOMException: [],
  SuppressedError: ["error", "suppressed"],
};

function findBuiltInClass(error: Error): string {
  let prototype = Object.getPrototypeOf(error) as object | null;
  while (prototype !== null) {
    const own = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value as unknown;
    if (typeof own === "function" && isBuiltIn(own)) return own.name;
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return "Error";
}

// Another realm has built-in classes of the same names. So may the user's own code.
function isBuiltIn(constructor: { readonly name: string }): boolean {
  if (constructor.name === "DOMException") return constructor === DOMException;
  return (
    (Object.hasOwn(CLASSES, constructor.name) || Object.hasOwn(MORE_FIELDS, constructor.name)) &&
    Function.prototype.toString.call(constructor).includes("[native code]")
  );
}

function construct(className: string, fields: ErrorParts["fields"]): Error {
  const message = typeof fields["message"] === "string" ? fields["message"] : "";
  // Texts of earlier versions hold the name of the user's class, whatever it extends.
  if (className === "AggregateError" || Object.hasOwn(fields, "errors")) {
    return new AggregateError([], message);
  }
  if (className === "DOMException") return new DOMException(message, String(fields["name"]));
  if (className === "SuppressedError" && typeof SuppressedError === "function") {
    return new SuppressedError(undefined, undefined, message);
  }
  return new (Object.hasOwn(CLASSES, className) ? CLASSES[className]! : Error)(message);
}

// An assignment to "__proto__" would set the prototype instead of the key.
function define(
  error: Error,
  key: string | symbol,
  value: unknown,
  { enumerable }: { enumerable: boolean },
): void {
  Object.defineProperty(error, key, { value, configurable: true, enumerable, writable: true });
}
