import type { SimulatedFault } from "../options/simulated-faults.ts";
import { sleep } from "../time/sleep.ts";
import { wireWatchKey, type WireWatch } from "../wire/wire-watch.ts";
import { readAskedRequest, type AskedRequest } from "./asked-request.ts";
import { breakAnswer } from "./break-answer.ts";
import type { FaultDraw } from "./fault-draw.ts";
import { createErrorResponse } from "./provider-errors.ts";
import { createSimulatedAnswer } from "./simulated-answer.ts";
import { createWrongValue } from "./spoil-value.ts";

type Fetch = typeof globalThis.fetch;

const DEFAULT_DELAY_MS = 5000;
const DEFAULT_CUT_SHARE = 0.5;
const PROSE = "This is a simulated answer in prose.";
const PAGE = "<!doctype html><html><body><h1>Sign in</h1></body></html>";

/** What `fetch` of Node.js throws where a connection is reset. */
function createResetError(): TypeError {
  const cause = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  return new TypeError("fetch failed", { cause });
}

function createBrokenJson({ isStream }: AskedRequest): Response {
  const broken = '{"id":"simulated","choices":[{"index":0,"';
  return isStream
    ? new Response(`data: ${broken}\n\n`, { headers: { "content-type": "text/event-stream" } })
    : new Response(broken, { headers: { "content-type": "application/json" } });
}

function createWrongAnswer(asked: AskedRequest): Response {
  const value = createWrongValue(asked.schema);
  if (!value) return createSimulatedAnswer(asked, { text: PROSE });
  const args = JSON.stringify(value);
  const { forcedTool: name } = asked;
  return createSimulatedAnswer(
    asked,
    name === undefined ? { text: args } : { toolCall: { name, args } },
  );
}

/** Nothing comes until the signal aborts. */
function waitForAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}

/** What comes in place of the model's answer. `undefined`: the model is asked. */
function replaceAnswer(
  fault: SimulatedFault,
  asked: AskedRequest,
  signal: AbortSignal,
): Response | Promise<never> | undefined {
  switch (fault.kind) {
    case "connection":
      return Promise.reject(createResetError());
    case "invalid-response":
      return new Response(PAGE, { headers: { "content-type": "text/html" } });
    case "broken-json":
      return createBrokenJson(asked);
    case "empty-answer":
      return createSimulatedAnswer(asked, {});
    case "wrong-schema":
      return createWrongAnswer(asked);
    case "stall":
      return fault.afterShare ? undefined : waitForAbort(signal);
    default:
      return createErrorResponse(fault);
  }
}

async function meet(
  fault: SimulatedFault,
  { clock, signal }: WireWatch,
  ask: () => Promise<Response>,
): Promise<Response> {
  if (fault.kind === "slow") await sleep(clock, fault.delayMs ?? DEFAULT_DELAY_MS, signal);
  const response = await ask();
  const { afterShare: share = DEFAULT_CUT_SHARE } = fault;
  // What fails by itself needs no fault.
  if (!response.ok || (fault.kind !== "cut" && fault.kind !== "stall")) return response;
  return breakAnswer(response, share, fault.kind);
}

/**
 * A `fetch` that meets simulated faults, each in the shape in which providers and networks send it. What
 * stands above it cannot tell them from real ones, but for the mark that the watch of the exchange gets.
 */
export function simulateFaults(innerFetch: Fetch | undefined, draw: FaultDraw): Fetch {
  const ask: Fetch = innerFetch ?? ((...args) => globalThis.fetch(...args));
  return async (input, init) => {
    const watch = (init as { [wireWatchKey]?: WireWatch } | undefined)?.[wireWatchKey];
    const fault = watch && draw.draw();
    if (!fault) return ask(input, init);
    const asked = readAskedRequest(init?.body);
    if (fault.kind === "wrong-schema" && !asked.wantsShape) return ask(input, init);
    const replaced = replaceAnswer(fault, asked, watch.signal);
    watch.simulatedFault = { kind: fault.kind, isAsked: replaced === undefined };
    return replaced ?? meet(fault, watch, () => ask(input, init));
  };
}
