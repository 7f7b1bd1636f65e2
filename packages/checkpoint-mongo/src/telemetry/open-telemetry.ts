import {
  context,
  metrics,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type BatchObservableCallback,
  type Meter,
  type Tracer,
} from "@opentelemetry/api";
import { z } from "zod";
import type { ObservedEvent, SaverListener } from "../context/listeners.ts";
import { ThreadkeepError } from "../errors/threadkeep-error.ts";
import type { OperationEvent } from "../health/events.ts";
import type { SaverStats } from "../health/saver-stats.ts";
import { checkOptions } from "../options/check-options.ts";
import { describeValue } from "../options/describe-value.ts";

/** A `MongoDBSaver`, as far as its telemetry goes. */
export interface ObservableSaver {
  /** As of `MongoDBSaver`. */
  on<Type extends ObservedEvent["type"]>(type: Type, listener: SaverListener<Type>): () => void;
  /** As of `MongoDBSaver`. */
  stats(): SaverStats;
}

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

const SCOPE = "@threadkeep/checkpoint-mongo";

/** Bucket boundaries that the semantic conventions recommend for `db.client.operation.duration`. */
const DURATION_BOUNDARIES_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

const optionsSchema = z.strictObject({
  tracer: z
    .custom<Tracer>((value) => hasMethod(value, "startSpan"), "an object with startSpan")
    .optional(),
  meter: z
    .custom<Meter>((value) => hasMethod(value, "createHistogram"), "an object with createHistogram")
    .optional(),
});

function hasMethod(value: unknown, name: string): boolean {
  return typeof (value as Record<string, unknown> | null | undefined)?.[name] === "function";
}

/**
 * Records each call of a saver as a span `threadkeep {method}`, a child of the span that is active around the call,
 * and in these metrics:
 *
 * - `threadkeep.saver.operation.duration` (seconds), by `threadkeep.operation` and `error.type`
 * - `threadkeep.saver.events`, by `threadkeep.event`: what the saver warns of
 * - `threadkeep.saver.retries`, `threadkeep.saver.conflicts`, `threadkeep.saver.cache.hits`,
 *   `threadkeep.saver.cache.misses`, `threadkeep.saver.cache.size` (bytes) and `threadkeep.saver.under_way`
 *
 * Ids of threads are in spans only.
 *
 * @returns ends it
 * @throws InvalidOptionsError if an option cannot be used
 * @example
 * ```ts
 * import { instrumentSaver } from "@threadkeep/checkpoint-mongo/opentelemetry";
 * instrumentSaver(saver);
 * ```
 */
export function instrumentSaver(
  saver: ObservableSaver,
  options: OpenTelemetryOptions = {},
): () => void {
  const { tracer = trace.getTracer(SCOPE), meter = metrics.getMeter(SCOPE) } = checkOptions(
    "instrumentSaver",
    optionsSchema,
    options,
  );
  const durations = meter.createHistogram("threadkeep.saver.operation.duration", {
    unit: "s",
    description: "Duration of a call of the saver",
    advice: { explicitBucketBoundaries: DURATION_BOUNDARIES_S },
  });
  const events = meter.createCounter("threadkeep.saver.events", {
    unit: "{event}",
    description: "What the saver warns of",
  });
  const count = (type: string): void => events.add(1, { "threadkeep.event": type });
  const ends = [
    saver.on("operation", (event) => {
      durations.record(event.durationMs / 1_000, describeOperation(event));
      traceOperation(tracer, event);
    }),
    saver.on("checkpoint-size", ({ type }) => count(type)),
    saver.on("checkpoint-growth", ({ type }) => count(type)),
    saver.on("fall-back", ({ type }) => count(type)),
    saver.on("keep-last-failed", ({ type }) => count(type)),
    saver.on("restore-failed", ({ type }) => count(type)),
    saver.on("thread-size", ({ type }) => count(type)),
    observeStats(meter, saver),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function describeOperation({ operation, error }: OperationEvent): Attributes {
  return {
    "db.system.name": "mongodb",
    "threadkeep.operation": operation,
    ...(error !== undefined && { "error.type": nameError(error) }),
  };
}

function nameError(error: unknown): string {
  if (ThreadkeepError.isInstance(error)) return error.code;
  return error instanceof Error ? error.name : "_OTHER";
}

/** The event comes from within the call, so the span around that one is still the active one. */
function traceOperation(tracer: Tracer, event: OperationEvent): void {
  const { operation, threadId, startedAtMs, durationMs, error } = event;
  const attributes: Attributes = {
    ...describeOperation(event),
    ...(threadId !== undefined && { "threadkeep.thread_id": threadId }),
  };
  const span = tracer.startSpan(
    `threadkeep ${operation}`,
    { kind: SpanKind.CLIENT, startTime: startedAtMs, attributes },
    context.active(),
  );
  if (error !== undefined) {
    const message = error instanceof Error ? error.message : describeValue(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
  }
  span.end(startedAtMs + durationMs);
}

/** Figures that the saver counts itself are read when they are exported. */
function observeStats(meter: Meter, saver: ObservableSaver): () => void {
  const counter = (name: string, unit: string) =>
    meter.createObservableCounter(`threadkeep.saver.${name}`, { unit });
  const retries = counter("retries", "{command}");
  const conflicts = counter("conflicts", "{round}");
  const hits = counter("cache.hits", "{segment}");
  const misses = counter("cache.misses", "{segment}");
  const size = meter.createObservableGauge("threadkeep.saver.cache.size", { unit: "By" });
  const underWay = meter.createObservableGauge("threadkeep.saver.under_way", { unit: "{call}" });
  const all = [retries, conflicts, hits, misses, size, underWay];
  const observe: BatchObservableCallback = (result) => {
    const stats = saver.stats();
    result.observe(retries, stats.retries);
    result.observe(conflicts, stats.conflicts);
    result.observe(hits, stats.cache.hits);
    result.observe(misses, stats.cache.misses);
    result.observe(size, stats.cache.bytes);
    result.observe(underWay, stats.underWay);
  };
  meter.addBatchObservableCallback(observe, all);
  return () => meter.removeBatchObservableCallback(observe, all);
}
