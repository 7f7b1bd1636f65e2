import type { CandidateFields } from "../options/candidate-options.ts";
import { namesSecret } from "./endpoint-secrets.ts";
import { readEntries, type ClientOptions } from "./list-endpoints.ts";

type Fetch = typeof globalThis.fetch;

/** Settings of OpenAI's client, beside keys and secrets, that say who asks. */
const IDENTITIES = new Set(["organization", "project", "workloadIdentity"]);

/**
 * Credentials among the fields of a candidate that are not meant for an endpoint at another host, by the
 * path of each in the fields. Those that the endpoint says itself are its own.
 */
export function listForeignCredentials(
  inherited: CandidateFields | undefined,
  own: CandidateFields | undefined,
): readonly string[] {
  const from = readEntries(inherited?.configuration);
  const to = readEntries(own?.configuration);
  const found = Object.keys(from)
    .filter((name) => IDENTITIES.has(name) || namesSecret(name))
    .filter((name) => !(name in to) && from[name] !== undefined && from[name] !== null)
    .map((name) => `configuration.${name}`);
  for (const group of ["defaultHeaders", "defaultQuery"]) {
    const said = listNames(to[group]);
    const names = Object.entries(readEntries(from[group]))
      .filter(([name, value]) => value !== null && (namesSecret(name) || isOpenAIIdentity(name)))
      .map(([name]) => name);
    if (names.some((name) => !said.has(name.toLowerCase()))) found.push(`configuration.${group}`);
  }
  return found;
}

/** Names of headers, or of the parameters of a query, in lower case. */
function listNames(entries: unknown): ReadonlySet<string> {
  return new Set(Object.keys(readEntries(entries)).map((name) => name.toLowerCase()));
}

function isOpenAIIdentity(header: string): boolean {
  return /^openai-(?:organization|project)$/i.test(header);
}

/** Names of the headers that OpenAI's client takes from the environment: one header a line. */
function listEnvironmentHeaders(): readonly string[] {
  return (process.env["OPENAI_CUSTOM_HEADERS"] ?? "")
    .split("\n")
    .filter((line) => line.includes(":"))
    .map((line) => line.slice(0, line.indexOf(":")).trim().toLowerCase());
}

/**
 * The configuration of OpenAI's client for a host that the environment does not speak of. By itself the
 * client would send the organization, the project and the headers of the environment to every host.
 */
export function hideEnvironment(own: ClientOptions | undefined, apiKey: string): ClientOptions {
  const said = listNames(own?.defaultHeaders);
  const names = listEnvironmentHeaders().filter((name) => !said.has(name));
  const configuration = { organization: null, project: null, adminAPIKey: null, ...own };
  if (names.length === 0) return configuration;
  const send = own?.fetch ?? ((...request: Parameters<Fetch>) => globalThis.fetch(...request));
  // LangChain leaves out the empty headers by which the client could be told not to send them.
  const fetch: Fetch = (input, init) => {
    const headers = new Headers(init?.headers);
    for (const name of names) headers.delete(name);
    if (names.includes("authorization")) headers.set("authorization", `Bearer ${apiKey}`);
    return send(input, { ...init, headers });
  };
  return { ...configuration, fetch };
}
