import { type Fields, readFields } from "../cost/read-fields.ts";
import { toHeaderLookup, type HeaderLookup } from "./header-lookup.ts";

/** An error as a body reports it, whatever shape the provider has for that. */
export interface ErrorReport {
  /** `error.code`, also one that is a number. */
  readonly code: string | undefined;
  /** `error.type`. */
  readonly type: string | undefined;
  /** Further names of the error: Google's `status` and `reason`. */
  readonly names: readonly string[];
  /** The field of the request that is at fault. */
  readonly param: string | undefined;
  /** What happened, with what a gateway quotes of its upstream. */
  readonly message: string;
  /** Context window of the model, in tokens, where the provider says it. */
  readonly windowTokens: number | undefined;
  /** How long to wait, as the body says it. */
  readonly retryDelay: string | undefined;
  /** Headers of the upstream that a gateway repeats in the body. */
  readonly upstreamHeaders: HeaderLookup | undefined;
  /** A moderation gives reasons for its refusal. */
  readonly isModeration: boolean;
}

function asText(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}

function firstText(fields: Fields | undefined, ...keys: string[]): string | undefined {
  for (const key of keys) {
    const text = asText(fields?.[key]);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** What says that there is no error: OpenAI-compatible servers send a code of 0 with good answers. */
const NO_ERROR = /^(?:0|200|20000|ok|success|none|null|false)?$/i;

/** Whether a field `error` tells of one. `""`, `{}` and `{ code: 0 }` do not. */
export function isRealError(error: unknown): boolean {
  if (typeof error === "string") return !NO_ERROR.test(error.trim());
  const fields = readFields(error);
  if (!fields) return error === true;
  if (Array.isArray(error)) return error.length > 0;
  const code = firstText(fields, "code", "type", "status");
  const hasCode = code !== undefined && !NO_ERROR.test(code);
  const message = firstText(fields, "message", "msg", "error", "detail") ?? "";
  return hasCode || (code === undefined && !NO_ERROR.test(message.trim()));
}

/** Google's list of details: names of what went wrong, and how long to wait. */
function readDetails(details: unknown): { readonly names: string[]; retryDelay?: string } {
  const names: string[] = [];
  let retryDelay: string | undefined;
  for (const detail of Array.isArray(details) ? details : []) {
    const fields = readFields(detail);
    const reason = firstText(fields, "reason");
    if (reason !== undefined) names.push(reason);
    retryDelay ??= firstText(fields, "retryDelay");
  }
  return retryDelay === undefined ? { names } : { names, retryDelay };
}

/** FastAPI's list of what does not fit, or a text. */
function readDetail(detail: unknown): string | undefined {
  if (!Array.isArray(detail)) return asText(detail);
  const parts = detail.map((part) => firstText(readFields(part), "msg", "message") ?? "");
  return asText(parts.join("; "));
}

/** The message of the error a gateway got from its upstream, mostly JSON in a text. */
function readUpstreamMessage(raw: unknown): string | undefined {
  if (typeof raw !== "string") return undefined;
  try {
    return readErrorReport(JSON.parse(raw))?.message ?? raw;
  } catch {
    return raw;
  }
}

/** What stands for the error in a body: itself, a field of it, or the first of a list. */
function findError(body: Fields): Fields | undefined {
  const [first] = Array.isArray(body) ? (body as unknown[]) : [];
  if (first !== undefined) return findError(readFields(first) ?? {});
  const [listed] = Array.isArray(body["errors"]) ? (body["errors"] as unknown[]) : [];
  const inside =
    readFields(body["error"]) ??
    readFields(listed) ??
    // MiniMax reports every outcome here, and a good one as 0.
    readFields(body["base_resp"]);
  if (!inside) return body;
  // Anthropic nests the error a second time.
  return readFields(inside["error"]) ?? inside;
}

/**
 * Reads an error out of a parsed body: OpenAI's `error`, Google's list of one, vLLM's flat object,
 * FastAPI's `detail`, and the shapes of gateways. `undefined` if it holds nothing that says what
 * happened.
 */
export function readErrorReport(body: unknown): ErrorReport | undefined {
  const outer = readFields(body);
  if (!outer) return undefined;
  const error = findError(outer) ?? outer;
  const metadata = readFields(error["metadata"]);
  const { names, retryDelay } = readDetails(error["details"]);
  const status = firstText(error, "status");
  if (status !== undefined) names.push(status);
  const own =
    firstText(error, "message", "msg", "error", "error_msg", "status_msg", "error_message") ??
    readDetail(error["detail"]) ??
    firstText(outer, "error", "message", "msg", "error_msg") ??
    readDetail(outer["detail"]) ??
    firstText(error, "title", "Message");
  const upstream = readUpstreamMessage(metadata?.["raw"]);
  const code = firstText(error, "code", "error_code", "status_code", "err_code");
  const type = firstText(error, "type");
  if (own === undefined && code === undefined && type === undefined && status === undefined) {
    return undefined;
  }
  const window = Number(error["n_ctx"]);
  return {
    code: code ?? firstText(outer, "code"),
    type,
    names,
    param: firstText(error, "param"),
    message: [own ?? JSON.stringify(error), upstream].filter(Boolean).join(": "),
    windowTokens: Number.isFinite(window) ? window : undefined,
    retryDelay: retryDelay ?? firstText(error, "retry_after", "retryAfter", "retry_after_seconds"),
    upstreamHeaders: toHeaderLookup(metadata?.["headers"]),
    isModeration: Array.isArray(metadata?.["reasons"]),
  };
}
