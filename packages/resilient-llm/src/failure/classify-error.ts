import { redactError } from "./redact.ts";
import { classifyConnectionError } from "./classify-connection.ts";
import {
  classifyProviderError,
  quoteMessage,
  type EndpointDescription,
} from "./classify-provider-error.ts";
import type { Failure } from "./failure.ts";
import type { HeaderLookup } from "./wait-hint.ts";

/** What errors of LangChain models and of provider SDKs have in common. */
interface SdkError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly code?: unknown;
  readonly type?: unknown;
  readonly headers?: unknown;
  readonly error?: unknown;
  readonly response?: { readonly status?: unknown; readonly headers?: unknown };
}

function asHeaderLookup(headers: unknown): HeaderLookup | undefined {
  if (typeof headers !== "object" || headers === null) return undefined;
  if ("get" in headers && typeof headers.get === "function") return headers as HeaderLookup;
  const lowered = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  return { get: (name) => lowered.get(name) };
}

function firstNumber(...values: unknown[]): number | undefined {
  return values.find((value): value is number => typeof value === "number");
}

function firstText(...values: unknown[]): string | undefined {
  return values.find((value): value is string => typeof value === "string" && value !== "");
}

/** Turns whatever a model threw into a failure value. */
export function classifyError(
  error: unknown,
  endpoint: EndpointDescription,
  nowMs: number,
): Failure {
  const cause = redactError(error, endpoint.secrets);
  const connection = classifyConnectionError(error, endpoint);
  if (connection) return { ...connection, cause };

  const sdk = (typeof error === "object" && error !== null ? error : {}) as SdkError;
  const body = (typeof sdk.error === "object" && sdk.error !== null ? sdk.error : {}) as SdkError;
  // Anthropic nests the error a second time.
  const inner = (
    typeof body.error === "object" && body.error !== null ? body.error : body
  ) as SdkError;
  const status = firstNumber(sdk.status, sdk.statusCode, sdk.response?.status);
  const code = firstText(inner.code, sdk.code) ?? firstNumber(inner.code);
  const type = firstText(inner.type, sdk.type);
  const message = firstText(inner.message, sdk.message) ?? String(error);
  const contextOverflow = sdk.name === "ContextOverflowError";
  if (status !== undefined || code !== undefined || type !== undefined || contextOverflow) {
    return classifyProviderError(
      {
        status,
        code: contextOverflow ? "context_length_exceeded" : code,
        type,
        message,
        headers: asHeaderLookup(sdk.headers ?? sdk.response?.headers),
        cause,
      },
      endpoint,
      nowMs,
    );
  }
  if (error instanceof SyntaxError) {
    return {
      kind: "truncated",
      message: `The answer of ${endpoint.model} at ${endpoint.baseUrl} is broken JSON`,
      cause,
    };
  }
  if (/^(?:fetch failed|terminated|Connection error\.?|Premature close)/.test(message)) {
    return { kind: "connection", message: `The connection to ${endpoint.baseUrl} broke`, cause };
  }
  return {
    kind: "unknown",
    message: `${endpoint.model} failed: ${quoteMessage(message, endpoint.secrets)}`,
    cause,
  };
}
