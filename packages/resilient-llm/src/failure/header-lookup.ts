/** Read access to response headers; `Headers` satisfies it. */
export interface HeaderLookup {
  get(name: string): string | null | undefined;
}

/** Headers given as an object, for instance by an SDK's error or in OpenRouter's `error.metadata`. */
export function toHeaderLookup(headers: unknown): HeaderLookup | undefined {
  if (typeof headers !== "object" || headers === null) return undefined;
  if ("get" in headers && typeof headers.get === "function") return headers as HeaderLookup;
  const lowered = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  return { get: (name) => lowered.get(name) };
}
