import type { SimulatedFaultKind } from "../failure/simulated-fault-kind.ts";
import type { SimulatedFault } from "../options/simulated-faults.ts";

/** The faults that are an answer with an error status. */
type ErrorKind = Extract<
  SimulatedFaultKind,
  | "rate-limited"
  | "quota-exhausted"
  | "server-error"
  | "authentication"
  | "not-found"
  | "context-length"
  | "content-filter"
>;

interface ProviderError {
  readonly status: number;
  readonly message: string;
  readonly type: string | null;
  readonly code: string | null;
  readonly param?: string;
}

const DEFAULT_RETRY_AFTER_MS = 1000;
const DEFAULT_STATUS = 500;

/** The errors as OpenAI sends them; the filter as Azure does. */
const ERRORS: Readonly<Record<ErrorKind, ProviderError>> = {
  "rate-limited": {
    status: 429,
    message: "Rate limit reached for requests",
    type: "requests",
    code: "rate_limit_exceeded",
  },
  "quota-exhausted": {
    status: 429,
    message: "You exceeded your current quota, please check your plan and billing details.",
    type: "insufficient_quota",
    code: "insufficient_quota",
  },
  "server-error": {
    status: DEFAULT_STATUS,
    message: "The server had an error while processing your request.",
    type: "server_error",
    code: null,
  },
  authentication: {
    status: 401,
    message: "Incorrect API key provided.",
    type: "invalid_request_error",
    code: "invalid_api_key",
  },
  "not-found": {
    status: 404,
    message: "The model does not exist or you do not have access to it.",
    type: "invalid_request_error",
    code: "model_not_found",
  },
  "context-length": {
    status: 400,
    message: "Your input exceeds the context window of this model.",
    type: "invalid_request_error",
    code: "context_length_exceeded",
    param: "messages",
  },
  "content-filter": {
    status: 400,
    message: "The prompt triggered the content management policy. Please modify it and retry.",
    type: null,
    code: "content_filter",
    param: "prompt",
  },
};

function readError(kind: SimulatedFaultKind): ProviderError | undefined {
  return Object.hasOwn(ERRORS, kind) ? ERRORS[kind as ErrorKind] : undefined;
}

/** The answer with an error status that a fault is. `undefined`: it is of another kind. */
export function createErrorResponse(fault: SimulatedFault): Response | undefined {
  const error = readError(fault.kind);
  if (!error) return undefined;
  const { status, param = null, ...others } = error;
  const headers = new Headers({ "content-type": "application/json" });
  if (fault.kind === "rate-limited") {
    const waitMs = fault.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS;
    headers.set("retry-after-ms", String(waitMs));
    headers.set("retry-after", String(Math.ceil(waitMs / 1000)));
  }
  const body = JSON.stringify({ error: { ...others, param } });
  return new Response(body, { status: fault.status ?? status, headers });
}
