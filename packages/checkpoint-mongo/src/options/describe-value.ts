/** What a class is called. Anything else is not shown. */
const CLASS_NAME = /^[A-Z]\w{2,40}$/;

/**
 * Says what was given in place of something else, for messages. What a text, an object or bytes hold
 * is never told: it may be a key, a password or a connection string that went to the wrong place.
 */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case "undefined":
    case "boolean":
    case "number":
      return String(value);
    case "string":
      if (value === "") return "an empty string";
      return `a string of ${value.length} character${value.length === 1 ? "" : "s"}`;
    case "object":
      if (value === null) return "null";
      return Array.isArray(value) ? `an array of ${value.length}` : describeObject(value);
    default:
      return `a ${typeof value}`;
  }
}

/** With its class, if it has one: a promise that was not awaited is then seen at once. */
function describeObject(value: object): string {
  const { constructor } = value as { readonly constructor?: unknown };
  const name = typeof constructor === "function" ? constructor.name : "Object";
  return name !== "Object" && CLASS_NAME.test(name) ? `an object of class ${name}` : "an object";
}
