import { classifyConnectionError } from "../failure/classify-connection.ts";
import { redactError } from "../failure/redact.ts";
import { askForStream, refusesToStream, wantsToStream } from "./ask-for-stream.ts";
import { describeOversized, readBody } from "./body-limit.ts";
import { collectAsItComes, inspectWholeBody } from "./collect-stream.ts";
import { inspectErrorBody } from "./inspect-error-body.ts";
import type { InspectedBody } from "./inspect-json-body.ts";
import { inspectStream } from "./inspect-stream.ts";
import { isBackground } from "./is-background.ts";
import { rebuildResponse } from "./rebuild-response.ts";
import { failWatch } from "./wire-failure.ts";
import { wireWatchKey, type WireWatch } from "./wire-watch.ts";

type Fetch = typeof globalThis.fetch;

/** Settings of {@link createWatchedFetch}. */
export interface WatchedFetchOptions {
  /** Whole answers are asked for as streams too: the user has set `streaming` on the model. */
  readonly streamsOnly?: boolean;
  /** Usage is asked for at the end of such a stream. */
  readonly streamUsage?: boolean;
}

async function readAndInspect(response: Response, watch: WireWatch): Promise<InspectedBody> {
  const { maxResponseBytes } = watch;
  const { isCut, text } = await readBody(response, maxResponseBytes);
  return isCut
    ? { failure: describeOversized(watch, "an answer", maxResponseBytes) }
    : inspectWholeBody(text, watch);
}

async function inspectWhole(
  response: Response,
  watch: WireWatch,
  isStreamAsked: boolean,
): Promise<Response> {
  const inspected = isStreamAsked
    ? await collectAsItComes(response, watch)
    : await readAndInspect(response, watch);
  if ("failure" in inspected) throw failWatch(watch, inspected.failure);
  watch.body = inspected.body;
  const type = response.headers.get("content-type") ?? "";
  // The SDK takes JSON for JSON by this header only, and reads the body with `text`.
  if (!/json/i.test(type)) return rebuildResponse(response, inspected.body, "application/json");
  response.text = async () => inspected.body;
  return response;
}

/**
 * A `fetch` that reports on every exchange of an attempt: when headers and content come, and whether
 * the answer is one. Requests without a watch pass through untouched.
 */
export function createWatchedFetch(
  innerFetch: Fetch = (...args) => globalThis.fetch(...args),
  { streamsOnly = false, streamUsage = true }: WatchedFetchOptions = {},
): Fetch {
  /** The model answers by streaming only; learned from its refusal, unless the user has said so. */
  let mustStream = streamsOnly;
  /** The model has refused to answer by streaming, so it is no longer preferred. */
  let isStreamRefused = false;

  const send = async (
    input: Parameters<Fetch>[0],
    init: RequestInit | undefined,
    watch: WireWatch,
  ): Promise<Response> => {
    try {
      const response = await innerFetch(input, { ...init, signal: watch.signal });
      watch.headers = response.headers;
      watch.onHeaders();
      return response;
    } catch (error) {
      const failure = classifyConnectionError(error, watch.endpoint);
      if (failure) {
        watch.failure ??= { ...failure, cause: redactError(error, watch.endpoint.secrets) };
      }
      throw error;
    }
  };

  return async (input, init) => {
    const watch = (init as { [wireWatchKey]?: WireWatch } | undefined)?.[wireWatchKey];
    if (!watch) return innerFetch(input, init);
    const asStream = (plainOnly: boolean) =>
      watch.streaming ? undefined : askForStream(init, streamUsage, plainOnly);
    const prefersStream = watch.prefersStream || isBackground(input, init);
    const mayStream = mustStream || (prefersStream && !isStreamRefused);
    const first = mayStream ? (asStream(!mustStream) ?? init) : init;
    let isStreamAsked = first !== init;
    if (isStreamAsked) watch.onStreamAsked();
    let response = await send(input, first, watch);
    if (!response.ok) {
      const { failure, body } = await inspectErrorBody(response, watch);
      let second: RequestInit | undefined;
      if (!isStreamAsked && wantsToStream(failure)) {
        second = asStream(false);
        mustStream = second !== undefined;
      } else if (isStreamAsked && !mustStream && refusesToStream(failure)) {
        second = init;
        isStreamRefused = true;
      }
      if (!second) {
        failWatch(watch, failure);
        return rebuildResponse(response, body);
      }
      isStreamAsked = second !== init;
      if (isStreamAsked) watch.onStreamAsked();
      else watch.onWhole();
      response = await send(input, second, watch);
      if (!response.ok) {
        const inspected = await inspectErrorBody(response, watch);
        failWatch(watch, inspected.failure);
        return rebuildResponse(response, inspected.body);
      }
    }
    // The SDK reads a stream whatever its content type, and so does the inspection.
    if (watch.streaming && response.body) return inspectStream(response, watch);
    return inspectWhole(response, watch, isStreamAsked);
  };
}
