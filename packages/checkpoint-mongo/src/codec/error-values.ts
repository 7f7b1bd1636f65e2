/** JavaScript's own error classes but AggregateError, whose constructor differs. */
const CLASSES: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** What an Error is stored as: its class, the standard fields, and the keys set on it since. */
export interface ErrorParts {
  readonly className: string;
  readonly fields: Record<string, unknown>;
  readonly own: Record<string, unknown>;
}

/** Takes an Error apart, with name, message, stack, cause and the errors of an AggregateError. */
export function takeErrorApart(error: Error): ErrorParts {
  const fields: Record<string, unknown> = {
    name: error.name,
    message: error.message,
    stack: error.stack,
  };
  if (Object.hasOwn(error, "cause")) fields["cause"] = error.cause;
  if (error instanceof AggregateError) fields["errors"] = error.errors;
  const own = Object.fromEntries(
    Object.entries(error).filter(([key]) => !Object.hasOwn(fields, key)),
  );
  return { className: error.constructor.name, fields, own };
}

/**
 * Rebuilds an Error. One of JavaScript's own classes comes back as that class; any other comes back
 * as an Error with its name, because code is never revived.
 */
export function rebuildError(
  className: string,
  fields: Record<string, unknown>,
  own: Record<string, unknown>,
): Error {
  const { name, message, stack, cause, errors } = fields;
  const options = Object.hasOwn(fields, "cause") ? { cause } : undefined;
  const error = Array.isArray(errors)
    ? new AggregateError(errors, String(message), options)
    : new (Object.hasOwn(CLASSES, className) ? CLASSES[className]! : Error)(
        String(message),
        options,
      );
  // As on a new Error: there, but not enumerable.
  if (error.name !== name) define(error, "name", name, { enumerable: false });
  define(error, "stack", stack, { enumerable: false });
  for (const [key, value] of Object.entries(own)) define(error, key, value, { enumerable: true });
  return error;
}

// An assignment to "__proto__" would set the prototype instead of the key.
function define(
  error: Error,
  key: string,
  value: unknown,
  { enumerable }: { enumerable: boolean },
): void {
  Object.defineProperty(error, key, { value, configurable: true, enumerable, writable: true });
}
