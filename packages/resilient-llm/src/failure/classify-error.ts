import { classifyConnectionError } from "./classify-connection.ts";
import { classifyProviderError } from "./classify-provider-error.ts";
import type { EndpointDescription } from "./endpoint-description.ts";
import type { Failure } from "./failure.ts";
import { toHeaderLookup } from "./header-lookup.ts";
import { quoteMessage } from "./quote-message.ts";
import { readErrorReport } from "./read-error-report.ts";
import { redactError } from "./redact.ts";

/** What errors of LangChain models and of provider SDKs have in common. */
interface SdkError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly code?: unknown;
  readonly type?: unknown;
  readonly param?: unknown;
  readonly headers?: unknown;
  readonly error?: unknown;
  readonly response?: { readonly status?: unknown; readonly headers?: unknown };
}

/** Codes of Node.js and of LangChain, which are no provider's. */
const LOCAL_CODE = /^(?:ERR_|UND_ERR_|E[A-Z]{3,}$)/;

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
  const report = readErrorReport(sdk.error);
  const status = firstNumber(sdk.status, sdk.statusCode, sdk.response?.status);
  const isOverflow = sdk.name === "ContextOverflowError";
  const ownCode = firstText(sdk.code) ?? firstNumber(sdk.code)?.toString();
  const code =
    report?.code ?? (ownCode !== undefined && LOCAL_CODE.test(ownCode) ? undefined : ownCode);
  const type = report?.type ?? firstText(sdk.type);
  const message = report?.message ?? firstText(sdk.message) ?? String(error);
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
  if (status !== undefined || code !== undefined || type !== undefined || isOverflow) {
    return classifyProviderError(
      {
        ...report,
        status,
        code: isOverflow ? "context_length_exceeded" : code,
        type,
        param: report?.param ?? firstText(sdk.param),
        message,
        headers: toHeaderLookup(sdk.headers ?? sdk.response?.headers),
        cause,
      },
      endpoint,
      nowMs,
    );
  }
  return {
    kind: "unknown",
    message: `${endpoint.model} failed: ${quoteMessage(message, endpoint.secrets)}`,
    cause,
  };
}
