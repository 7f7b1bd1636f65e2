import { showUrl } from "./endpoint-secrets.ts";

/** An address and a key as one level of the options says them, or the environment. */
export interface KeyLevel {
  /** `undefined`: the address of the next level. */
  readonly baseUrl: string | undefined;
  /** `undefined`: the key of the next level. */
  readonly apiKey: string | undefined;
  /** Where the key comes from, for messages. */
  readonly source: string;
}

/** A key for an address, or what is missing. */
export type FoundKey =
  | { readonly apiKey: string; readonly source: string }
  | {
      readonly apiKey: undefined;
      /** Keys that were given for other hosts, with the address that each is for. */
      readonly keysForOthers: readonly string[];
    };

/** Scheme, host and port: a key for one of them is told to nobody else. */
export function readOrigin(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}

/** The address that a request goes to: the one said first. The last level has one. */
export function findBaseUrl(levels: readonly KeyLevel[]): string {
  return levels.find(({ baseUrl }) => baseUrl !== undefined)?.baseUrl ?? "";
}

/**
 * The key for the address that the levels say. A key was given for the address of its own level, and is
 * sent to no other host: what was given for one provider is none of the next one's business.
 *
 * @param levels The innermost first.
 */
export function findKey(levels: readonly KeyLevel[]): FoundKey {
  const origin = readOrigin(findBaseUrl(levels));
  const keysForOthers: string[] = [];
  for (const [index, { apiKey, source }] of levels.entries()) {
    if (apiKey === undefined) continue;
    const givenFor = findBaseUrl(levels.slice(index));
    if (readOrigin(givenFor) === origin) return { apiKey, source };
    keysForOthers.push(`${source} is for ${showUrl(givenFor)}`);
  }
  return { apiKey: undefined, keysForOthers };
}
