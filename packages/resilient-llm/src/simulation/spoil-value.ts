import { isFields, type Fields } from "../wire/normalize-message.ts";

/** A value of another type than the schema says. */
function spoil(schema: unknown): unknown {
  const type = isFields(schema) ? schema["type"] : undefined;
  return type === "object" ? "simulated" : { simulated: true };
}

/**
 * An object in which each property that `schema` names has a value of the wrong type. `undefined`: the
 * schema names none.
 */
export function createWrongValue(schema: Fields | undefined): Fields | undefined {
  const properties = schema?.["properties"];
  if (!isFields(properties) || Object.keys(properties).length === 0) return undefined;
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, spoil(value)]));
}
