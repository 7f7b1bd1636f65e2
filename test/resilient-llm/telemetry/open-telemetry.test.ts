import { SpanStatusCode } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { expect, it } from "vitest";
import { createModel, startServer } from "../testing/test-model.ts";
import * as replies from "../testing/replies.ts";
import { createOpenTelemetryListener } from "@threadkeep/resilient-llm/opentelemetry";

it("records a span and metrics per attempt under the GenAI names", async () => {
  const spans = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(spans)],
  });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const server = await startServer(replies.error(503), replies.answer("done"));
  const { model } = createModel([server], {
    onEvent: createOpenTelemetryListener({
      tracer: tracerProvider.getTracer("test"),
      meter: meterProvider.getMeter("test"),
    }),
  });
  await model.invoke("hi");

  const [failed, succeeded] = spans.getFinishedSpans();
  expect(failed?.name).toBe("chat first-model");
  expect(failed?.status.code).toBe(SpanStatusCode.ERROR);
  expect(failed?.attributes).toMatchObject({
    "error.type": "server-error",
    "http.response.status_code": 503,
    "threadkeep.attempt": 1,
    "threadkeep.endpoint": `127.0.0.1:${server.port}`,
  });
  expect(succeeded?.attributes).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "first-provider",
    "gen_ai.request.model": "first-model",
    "gen_ai.response.model": "served",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 5,
    "server.address": "127.0.0.1",
    "server.port": server.port,
  });
  expect(succeeded?.attributes["gen_ai.response.id"]).toMatch(/^chatcmpl-/);

  await reader.forceFlush();
  const recorded = exporter
    .getMetrics()
    .flatMap((one) => one.scopeMetrics.flatMap((scope) => scope.metrics));
  const counts = recorded.map((metric) => [
    metric.descriptor.name,
    metric.descriptor.unit,
    metric.dataPoints.length,
  ]);
  expect(counts).toEqual([
    ["gen_ai.client.operation.duration", "s", 2],
    ["gen_ai.client.token.usage", "{token}", 2],
  ]);
  await meterProvider.shutdown();
});
