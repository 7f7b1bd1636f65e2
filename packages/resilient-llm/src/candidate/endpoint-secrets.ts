import { redactText } from "../failure/redact.ts";

/** Headers that hold what identifies the caller. */
const secretHeader = /auth|key|token|secret|cookie|credential|password/i;

/** Where requests go, as messages and events show it: without what a URL may hold of secrets. */
export function showUrl(url: string): string {
  if (!URL.canParse(url)) return redactText(url, []);
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  const names = [...new Set(shown.searchParams.keys())];
  shown.search = names.map((name) => `${encodeURIComponent(name)}=…`).join("&");
  // As it was given, where nothing had to go: a URL's own text has a slash more.
  const isPlain = !/[@?]/.test(url);
  return redactText(isPlain ? url : decodeURI(shown.href), []);
}

/** What must not be seen of an endpoint: its key, and what its URL and its headers hold of the kind. */
export function listSecrets(
  apiKey: unknown,
  url: string,
  configuration: unknown,
): readonly string[] {
  const secrets: string[] = typeof apiKey === "string" ? [apiKey] : [];
  if (URL.canParse(url)) {
    const { username, password, searchParams } = new URL(url);
    secrets.push(password, decodeURIComponent(password), ...searchParams.values());
    if (password === "") secrets.push(username, decodeURIComponent(username));
  }
  const { defaultHeaders, defaultQuery } = (configuration ?? {}) as {
    readonly defaultHeaders?: unknown;
    readonly defaultQuery?: unknown;
  };
  for (const [name, value] of [...listEntries(defaultHeaders), ...listEntries(defaultQuery)]) {
    if (secretHeader.test(name)) secrets.push(value, value.replace(/^\w+\s+/, ""));
  }
  return secrets.filter((secret) => secret !== "");
}

function listEntries(entries: unknown): [string, string][] {
  if (typeof entries !== "object" || entries === null) return [];
  const isIterable = Symbol.iterator in entries;
  const list = isIterable ? [...(entries as Iterable<unknown>)] : Object.entries(entries);
  return list.filter(
    (entry): entry is [string, string] =>
      Array.isArray(entry) && typeof entry[0] === "string" && typeof entry[1] === "string",
  );
}
