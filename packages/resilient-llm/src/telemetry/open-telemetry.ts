import {
  metrics,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Meter,
  type Span,
  type Tracer,
} from "@opentelemetry/api";
import { z } from "zod";
import type { AttemptReference, AttemptResult, ResilienceListener } from "../events/events.ts";
import { checkOptions } from "../options/check-options.ts";
import { objectWith } from "../options/value-schemas.ts";

/** Where spans and metrics go. */
export interface OpenTelemetryOptions {
  /**
   * Makes the spans.
   *
   * @default a tracer of the globally registered provider
   */
  readonly tracer?: Tracer | undefined;

  /**
   * Records the metrics.
   *
   * @default a meter of the globally registered provider
   */
  readonly meter?: Meter | undefined;
}

const SCOPE = "@threadkeep/resilient-llm";

/** Bucket boundaries recommended by the semantic conventions for `gen_ai.client.operation.duration`. */
const DURATION_BOUNDARIES_S = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];

function describeEndpoint(event: AttemptReference): Attributes {
  const url = URL.canParse(event.baseUrl) ? new URL(event.baseUrl) : undefined;
  const defaultPort = url?.protocol === "http:" ? 80 : 443;
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": event.provider,
    "gen_ai.request.model": event.model,
    ...(url
      ? { "server.address": url.hostname, "server.port": Number(url.port || defaultPort) }
      : {}),
  };
}

const optionsSchema = z.strictObject({
  tracer: objectWith<Tracer>("startSpan").optional(),
  meter: objectWith<Meter>("createHistogram").optional(),
});

/**
 * A listener that records every attempt as a span `chat {model}` and in the histograms
 * `gen_ai.client.operation.duration` (seconds) and `gen_ai.client.token.usage`, by OpenTelemetry's
 * conventions for generative AI. The spans are children of the span that is active around the call.
 *
 * @throws InvalidOptionsError if an option cannot be used
 * @example
 * ```ts
 * import { createOpenTelemetryListener } from "@threadkeep/resilient-llm/opentelemetry";
 * const model = new ResilientChatModel({ models, onEvent: createOpenTelemetryListener() });
 * ```
 */
export function createOpenTelemetryListener(
  options: OpenTelemetryOptions = {},
): ResilienceListener {
  const { tracer = trace.getTracer(SCOPE), meter = metrics.getMeter(SCOPE) } = checkOptions(
    "createOpenTelemetryListener",
    optionsSchema,
    options,
  );
  const durations = meter.createHistogram("gen_ai.client.operation.duration", {
    unit: "s",
    description: "Duration of one attempt",
    advice: { explicitBucketBoundaries: DURATION_BOUNDARIES_S },
  });
  const tokens = meter.createHistogram("gen_ai.client.token.usage", {
    unit: "{token}",
    description: "Tokens of one attempt",
  });
  const open = new Map<string, Span>();
  const keyOf = (event: AttemptReference) => `${event.callId} ${event.attempt}`;

  const finish = (event: AttemptResult, attributes: Attributes, error?: string) => {
    const key = keyOf(event);
    const span = open.get(key);
    open.delete(key);
    const { inputTokens, outputTokens, estimated } = event.usage;
    const errorType: Attributes = error === undefined ? {} : { "error.type": error };
    const endpoint = { ...describeEndpoint(event), ...errorType };
    durations.record(event.durationMs / 1000, endpoint);
    if (inputTokens > 0) tokens.record(inputTokens, { ...endpoint, "gen_ai.token.type": "input" });
    if (outputTokens > 0)
      tokens.record(outputTokens, { ...endpoint, "gen_ai.token.type": "output" });
    span?.setAttributes({
      ...attributes,
      ...errorType,
      "gen_ai.usage.input_tokens": inputTokens,
      "gen_ai.usage.output_tokens": outputTokens,
      "threadkeep.usage.estimated": estimated,
      ...(event.costUsd === undefined ? {} : { "threadkeep.cost_usd": event.costUsd }),
      ...(event.costSource === undefined ? {} : { "threadkeep.cost_source": event.costSource }),
      ...(event.simulatedFault === undefined
        ? {}
        : { "threadkeep.simulated_fault": event.simulatedFault }),
      ...(event.firstTokenMs === undefined
        ? {}
        : { "threadkeep.first_token_ms": event.firstTokenMs }),
    });
    span?.end();
  };

  return (event) => {
    if (event.type === "attempt-started") {
      const span = tracer.startSpan(`chat ${event.model}`, {
        kind: SpanKind.CLIENT,
        attributes: {
          ...describeEndpoint(event),
          "threadkeep.call_id": event.callId,
          "threadkeep.attempt": event.attempt,
          "threadkeep.candidate": event.candidate,
          "threadkeep.endpoint": event.endpoint,
        },
      });
      open.set(keyOf(event), span);
    } else if (event.type === "attempt-succeeded") {
      finish(event, {
        ...(event.responseId === undefined ? {} : { "gen_ai.response.id": event.responseId }),
        ...(event.responseModel === undefined
          ? {}
          : { "gen_ai.response.model": event.responseModel }),
        ...(event.finishReason === undefined
          ? {}
          : { "gen_ai.response.finish_reasons": [event.finishReason] }),
      });
    } else if (event.type === "attempt-failed") {
      const { kind, message, status } = event.failure;
      open.get(keyOf(event))?.setStatus({ code: SpanStatusCode.ERROR, message });
      finish(event, status === undefined ? {} : { "http.response.status_code": status }, kind);
    } else if (event.type === "attempt-aborted") {
      finish(event, {}, "aborted");
    }
  };
}
