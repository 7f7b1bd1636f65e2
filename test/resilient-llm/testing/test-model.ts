import { onTestFinished } from "vitest";
import {
  ResilientChatModel,
  type ModelOption,
  type ResilienceEvent,
  type ResilientChatModelOptions,
} from "@threadkeep/resilient-llm";
import { createAcceleratedClock } from "./accelerated-clock.ts";
import { FaultServer, type Reply } from "./fault-server.ts";

/** How much faster than the machine's the clock of the test models runs. */
export const acceleration = 100;

/** The key every test model uses; no message may show it. */
export const testKey = "sk-test-0123456789abcdef";

/** On the fast clock seconds are milliseconds: a busy machine must not look like a slow provider. */
const roomyTimeouts = {
  adaptive: false,
  connectMs: 500_000,
  firstTokenMs: 500_000,
  idleMs: 500_000,
  totalMs: 1_000_000,
};

/** A scripted server that ends with the test. */
export async function startServer(...replies: Reply[]): Promise<FaultServer> {
  const server = await FaultServer.start(...replies);
  onTestFinished(() => server.close());
  return server;
}

/**
 * A model with one candidate per server, named `first`, `second`, …, on a clock that runs 100 times
 * faster, with an event log.
 */
export function createModel(
  servers: readonly FaultServer[],
  options: Partial<ResilientChatModelOptions> = {},
): { readonly model: ResilientChatModel; readonly events: ResilienceEvent[] } {
  const names = ["first", "second", "third"];
  const events: ResilienceEvent[] = [];
  const chain = servers.map((server, index) => ({
    model: `${names[index]}-model`,
    name: names[index],
    baseURL: server.baseURL,
    provider: `${names[index]}-provider`,
    pricing: { inputPerMillionUsd: 1, outputPerMillionUsd: 10 },
  }));
  const { apiKey, models = chain } = { apiKey: testKey, ...options };
  const model = new ResilientChatModel({
    clock: createAcceleratedClock(acceleration),
    onEvent: (event) => events.push(event),
    ...options,
    apiKey,
    models: models.map((option) => giveKey(option, apiKey)),
    timeout: { ...roomyTimeouts, ...options.timeout },
  });
  return { model, events };
}

/** Each test server is a host of its own, so each candidate that names one has the key. */
function giveKey(option: ModelOption, apiKey: string | undefined): ModelOption {
  return typeof option === "object" && "baseURL" in option && !("endpoints" in option)
    ? { apiKey, ...option }
    : option;
}

/** What `promise` rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("Expected a rejection");
}
