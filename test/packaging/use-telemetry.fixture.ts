/**
 * What a project writes that has the chat model report to OpenTelemetry. Compiled against the packed
 * declarations and run with the packed code.
 */
import type { Tracer } from "@opentelemetry/api";
import { ResilientChatModel } from "@threadkeep/resilient-llm";
import {
  createOpenTelemetryListener,
  type OpenTelemetryOptions,
} from "@threadkeep/resilient-llm/opentelemetry";

const names: string[] = [];
const options: OpenTelemetryOptions = {
  tracer: {
    startSpan(name: string) {
      names.push(name);
      const span = {
        setAttribute: () => span,
        setAttributes: () => span,
        setStatus: () => span,
        recordException: () => {},
        addEvent: () => span,
        end: () => {},
        spanContext: () => ({ traceId: "", spanId: "", traceFlags: 0 }),
      };
      return span;
    },
  } as unknown as Tracer,
};
const model = new ResilientChatModel({
  models: ["scripted"],
  baseURL: process.argv[2],
  apiKey: "none",
  onEvent: createOpenTelemetryListener(options),
});
await model.invoke("Are you there?");
console.log(JSON.stringify(names));
