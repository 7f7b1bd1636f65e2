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
      return value === "" ? "an empty string" : `a string of ${value.length} characters`;
    case "object":
      if (value === null) return "null";
      return Array.isArray(value) ? `an array of ${value.length}` : "an object";
    default:
      return `a ${typeof value}`;
  }
}
