import type { Finding, Patient } from "./finding.ts";

/** A connection that the other side has lost is noticed so late without a limit. */
const LATE = "more than a minute";

/** Options of the saver and of the connection string that weaken what the package promises. */
export function checkSettings({ client, settings: { config, uri } }: Patient): readonly Finding[] {
  const options = client.options as unknown as Readonly<Record<string, unknown>>;
  const findings: Finding[] = [];
  const add = (
    check: string,
    found: string,
    advice: string,
    verdict: Finding["verdict"] = "warning",
  ): void => {
    findings.push({ check, verdict, found, advice });
  };
  if (
    options["tlsInsecure"] === true ||
    options["tlsAllowInvalidCertificates"] === true ||
    options["rejectUnauthorized"] === false
  ) {
    add(
      "TLS",
      "certificates are not verified",
      "Whoever is between can read and change everything. Give tlsCAFile instead.",
    );
  } else if (options["tls"] !== true && !isLocal(uri)) {
    add(
      "TLS",
      "off, to a server on another machine",
      "Everything can be read and changed on the way. Use tls=true.",
    );
  }
  if (!options["socketTimeoutMS"]) {
    add(
      "socketTimeoutMS",
      "not set",
      `A connection that was lost without a word is noticed after ${LATE}. Savers have a limit of their own ` +
        "(operationTimeoutMs); give one to the rest of your program.",
      "note",
    );
  }
  const { integrity, onCorruption, persist, cacheMaxBytes } = config;
  if (integrity === undefined) {
    add(
      "Integrity keys",
      "none known to this program",
      "Hashes show damage, but no forgery. Set integrity for that.",
      "note",
    );
  } else if (integrity.acceptUnkeyed === true) {
    add(
      "acceptUnkeyed",
      "true",
      "Documents without a keyed hash are accepted: switch it off when all have one.",
    );
  }
  if (onCorruption === "fall-back") {
    add(
      "onCorruption",
      "fall-back",
      "A damaged checkpoint is passed over, and steps are run again. Watch onEvent.",
    );
  }
  if (persist === "exit") {
    add("persist", "exit", "There is no history to go back to.", "note");
  }
  if (cacheMaxBytes !== undefined && cacheMaxBytes < MIN_CACHE_BYTES) {
    add(
      "cacheMaxBytes",
      String(cacheMaxBytes),
      "Little of a thread fits, so that steps read it again and again.",
    );
  }
  return findings;
}

const MIN_CACHE_BYTES = 1_048_576;

function isLocal(uri: string): boolean {
  const [, hosts = ""] = /^mongodb(?:\+srv)?:\/\/(?:.*@)?([^/?]*)/is.exec(uri) ?? [];
  return hosts
    .split(",")
    .every((host) =>
      /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|.*\.sock)(?::\d+)?$/i.test(
        decodeURIComponent(host),
      ),
    );
}
