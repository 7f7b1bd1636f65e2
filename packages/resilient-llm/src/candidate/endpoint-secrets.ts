import { redactText } from "../failure/redact.ts";

/** Names of headers and parameters that hold credentials. */
const SECRET_HEADER = /auth|key|token|secret|cookie|credential|password/i;

/** Whether what a header or parameter of this name holds is a credential. */
export function namesSecret(name: string): boolean {
  return SECRET_HEADER.test(name);
}

/** Where requests go, as messages and events show it: without the secrets that a URL may hold. */
export function showUrl(url: string): string {
  if (!URL.canParse(url)) return redactText(url, []);
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  const names = [...new Set(shown.searchParams.keys())];
  shown.search = names.map((name) => `${encodeURIComponent(name)}=…`).join("&");
  // A URL without secrets is shown as it was given: `href` would add a slash.
  const isPlain = !/[@?]/.test(url);
  return redactText(isPlain ? url : decodeURI(shown.href), []);
}

/** What no message may show of an endpoint: its key, and the secrets in its URL and headers. */
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
    if (namesSecret(name)) secrets.push(value, value.replace(/^\w+\s+/, ""));
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
