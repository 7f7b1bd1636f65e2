/**
 * The JSON of plain data. `JSON.stringify` calls toJSON of each array and object, and a library may have
 * added one for the whole process. What is stored must not depend on that.
 */
export function writePlainJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(writePlainJson).join(",")}]`;
  const entries = Object.entries(value);
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${writePlainJson(entry)}`).join(",")}}`;
}
