import type { EndpointDescription } from "./endpoint-description.ts";
import type { Failure } from "./failure.ts";

const TLS_CODES =
  /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO|HOSTNAME_MISMATCH)/;

/** Every error code of an error and its causes, outermost first. */
function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  const pending: unknown[] = [error];
  const seen = new Set<unknown>();
  for (let current = pending.shift(); current !== undefined; current = pending.shift()) {
    if (typeof current !== "object" || current === null || seen.has(current)) continue;
    seen.add(current);
    const { code, cause, errors } = current as {
      code?: unknown;
      cause?: unknown;
      errors?: unknown;
    };
    if (typeof code === "string") codes.push(code);
    if (cause !== undefined) pending.push(cause);
    // Happy Eyeballs reports one error per address tried.
    if (Array.isArray(errors)) pending.push(...(errors as unknown[]));
  }
  return codes;
}

/**
 * The failure behind an error of the network, or `undefined` if the error does not come from there.
 * Looks through the chain of causes, because `fetch` says "fetch failed" whatever happened.
 */
export function classifyConnectionError(
  error: unknown,
  endpoint: EndpointDescription,
): Failure | undefined {
  const at = endpoint.baseUrl;
  for (const code of codesOf(error)) {
    if (code === "ECONNREFUSED") {
      return {
        kind: "connection",
        message: `Connection to ${at} was refused (${code})`,
        nextStep:
          "Check that the server is running and that host and port of the base URL are right.",
      };
    }
    if (code === "ENOTFOUND" || code === "EAI_AGAIN" || code === "EAI_NODATA") {
      return {
        kind: "connection",
        message: `The host name of ${at} could not be resolved (${code})`,
        nextStep: "Check the host name of the base URL and this machine's DNS.",
      };
    }
    if (TLS_CODES.test(code)) {
      return {
        kind: "connection",
        message: `The TLS handshake with ${at} failed (${code})`,
        nextStep: "Check http against https in the base URL, and the server's certificate.",
      };
    }
    if (
      /^(?:ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET|ERR_STREAM_PREMATURE_CLOSE)$/.test(code)
    ) {
      return { kind: "connection", message: `The connection to ${at} was reset (${code})` };
    }
    if (/^(?:ETIMEDOUT|UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT)$/.test(code)) {
      return {
        kind: "timeout",
        phase: "connect",
        message: `The connection to ${at} timed out (${code})`,
      };
    }
    if (/^(?:EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL)$/.test(code)) {
      return { kind: "connection", message: `${at} cannot be reached from this machine (${code})` };
    }
  }
  return undefined;
}
