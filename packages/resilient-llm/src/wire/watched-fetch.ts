import { redactError } from "../failure/redact.ts";
import { classifyConnectionError } from "../failure/classify-connection.ts";
import { classifyProviderError } from "../failure/classify-provider-error.ts";
import type { Failure } from "../failure/failure.ts";
import { inspectJsonBody, inspectUnstreamedBody } from "./inspect-json-body.ts";
import { SseInspector } from "./sse-inspector.ts";
import { WireFailure } from "./wire-failure.ts";
import { wireWatchKey, type WireWatch } from "./wire-watch.ts";

type Fetch = typeof globalThis.fetch;

/** No error body is read further than this, in characters; what follows can't help anybody. */
const longestErrorBody = 20_000;

const newline = 10;

function fail(watch: WireWatch, failure: Failure): WireFailure {
  watch.failure ??= failure;
  return new WireFailure(watch.failure);
}

function rebuild(response: Response, body: BodyInit, contentType?: string): Response {
  const headers = new Headers(response.headers);
  if (contentType !== undefined) headers.set("content-type", contentType);
  // The body has been decoded and may have changed its length.
  headers.delete("content-encoding");
  headers.delete("content-length");
  return new Response(body, {
    status: response.status,
    statusText: response.statusText,
    headers,
  });
}

/** The first `count` lines, as bytes: a piece may begin in the middle of a character. */
function takeLines(piece: Uint8Array, count: number): Uint8Array {
  let end = 0;
  for (let line = 0; line < count; line += 1) end = piece.indexOf(newline, end) + 1;
  return piece.subarray(0, end);
}

function inspectStream(response: Response, watch: WireWatch): Response {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  const inspector = new SseInspector(watch);
  let pending: Failure | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (pending) {
          controller.error(fail(watch, pending));
          return;
        }
        let piece: Awaited<ReturnType<typeof reader.read>>;
        try {
          piece = await reader.read();
        } catch (error) {
          const failure = inspector.end(redactError(error, watch.endpoint.secrets));
          if (failure) controller.error(fail(watch, failure));
          else controller.close();
          return;
        }
        if (piece.done) {
          const failure = inspector.end();
          if (failure) controller.error(fail(watch, failure));
          else controller.close();
          return;
        }
        const inspected = inspector.push(decoder.decode(piece.value, { stream: true }));
        if (!inspected) {
          controller.enqueue(piece.value);
          return;
        }
        // The rest is of no use; give the connection back.
        reader.cancel().catch(() => undefined);
        const sound = takeLines(piece.value, inspected.soundLines);
        if (sound.length === 0) {
          controller.error(fail(watch, inspected.failure));
          return;
        }
        // An error drops what is queued, so what came before it goes first.
        controller.enqueue(sound);
        pending = inspected.failure;
      },
      cancel: (reason) => reader.cancel(reason),
    },
    // Nothing is read ahead: an unread stream must not look alive to the idle timer.
    { highWaterMark: 0 },
  );
  return rebuild(response, body);
}

async function inspectError(response: Response, watch: WireWatch): Promise<Response> {
  const body = (await response.text()).slice(0, longestErrorBody);
  let details: { code?: string | number; type?: string; message?: string } = {};
  try {
    const parsed = JSON.parse(body) as typeof details & {
      error?: typeof details | string;
      detail?: unknown;
    };
    const error = parsed.error ?? parsed;
    details = typeof error === "string" ? { message: error } : error;
    const detail = details.message ?? parsed.message ?? parsed.detail;
    details = { ...details, message: typeof detail === "string" ? detail : body };
  } catch {
    details = { message: body };
  }
  fail(
    watch,
    classifyProviderError(
      {
        status: response.status,
        code: details.code,
        type: details.type,
        message: details.message ?? "",
        headers: response.headers,
      },
      watch.endpoint,
      watch.clock.now(),
    ),
  );
  return rebuild(response, body);
}

/**
 * A `fetch` that reports on every exchange of an attempt: when headers and content come, and whether
 * the answer is one. Requests without a watch pass through untouched.
 */
export function createWatchedFetch(
  innerFetch: Fetch = (...args) => globalThis.fetch(...args),
): Fetch {
  return async (input, init) => {
    const watch = (init as { [wireWatchKey]?: WireWatch } | undefined)?.[wireWatchKey];
    if (!watch) return innerFetch(input, init);
    let response: Response;
    try {
      response = await innerFetch(input, { ...init, signal: watch.signal });
    } catch (error) {
      const failure = classifyConnectionError(error, watch.endpoint);
      if (failure) {
        watch.failure ??= { ...failure, cause: redactError(error, watch.endpoint.secrets) };
      }
      throw error;
    }
    watch.headers = response.headers;
    watch.onHeaders();
    if (!response.ok) return inspectError(response, watch);
    const type = response.headers.get("content-type") ?? "";
    if (watch.streaming && response.body && !/json|html/i.test(type)) {
      return inspectStream(response, watch);
    }
    const body = await response.text();
    watch.body = body;
    const failure = watch.streaming
      ? inspectUnstreamedBody(body, watch)
      : inspectJsonBody(body, watch);
    if (failure) throw fail(watch, failure);
    // The SDK takes JSON for JSON by this header only, and reads the body with `text`.
    if (!/json/i.test(type)) return rebuild(response, body, "application/json");
    response.text = async () => body;
    return response;
  };
}
