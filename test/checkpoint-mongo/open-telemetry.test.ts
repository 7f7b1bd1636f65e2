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
import { instrumentSaver } from "@threadkeep/checkpoint-mongo/opentelemetry";
import { Binary } from "mongodb";
import { expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

it("records each call as a span, durations, warnings and what the saver counts, until it is ended", async () => {
  const spans = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(spans)],
  });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  await putCheckpoint(database.openSaver(), threadConfig("broken"), makeCheckpoint({ a: 1 }));
  await database
    .documents("checkpoint")
    .updateOne({ thread_id: "broken" }, { $set: { hash: new Binary() } });
  const saver = database.openSaver();
  const stop = instrumentSaver(saver, {
    tracer: tracerProvider.getTracer("test"),
    meter: meterProvider.getMeter("test"),
  });
  await putCheckpoint(saver, threadConfig("traced"), makeCheckpoint({ a: 1 }));
  await expect(saver.getTuple(threadConfig("broken"))).rejects.toThrow("is corrupt");

  const [put, get] = spans.getFinishedSpans();
  expect(put).toMatchObject({
    name: "threadkeep put",
    attributes: {
      "db.system.name": "mongodb",
      "threadkeep.operation": "put",
      "threadkeep.thread_id": "traced",
    },
  });
  expect(get).toMatchObject({
    name: "threadkeep getTuple",
    status: { code: SpanStatusCode.ERROR },
    attributes: { "error.type": "CORRUPT_CHECKPOINT" },
  });

  await reader.forceFlush();
  const recorded = exporter
    .getMetrics()
    .flatMap((one) => one.scopeMetrics.flatMap((scope) => scope.metrics));
  expect(recorded.map(({ descriptor }) => descriptor.name).toSorted()).toEqual([
    "threadkeep.saver.cache.hits",
    "threadkeep.saver.cache.misses",
    "threadkeep.saver.cache.size",
    "threadkeep.saver.conflicts",
    "threadkeep.saver.events",
    "threadkeep.saver.operation.duration",
    "threadkeep.saver.retries",
    "threadkeep.saver.under_way",
  ]);
  const events = recorded.find(({ descriptor }) => descriptor.name === "threadkeep.saver.events");
  expect(events!.dataPoints).toMatchObject([
    { attributes: { "threadkeep.event": "restore-failed" }, value: 1 },
  ]);

  stop();
  await saver.getTuple(threadConfig("traced"));
  expect(spans.getFinishedSpans()).toHaveLength(2);
  await meterProvider.shutdown();
});
