import { FakeStreamingChatModel } from "@langchain/core/utils/testing";
import { AIMessageChunk } from "@langchain/core/messages";
import { expect, it } from "vitest";
import type { ResilientChatModel } from "@threadkeep/resilient-llm";
import { breakOffOnce, streamPieces } from "../testing/continuing-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, startServer } from "../testing/test-model.ts";
import { streamOverWire } from "./consumers.ts";

/** Models whose streams differ in where ids come from. */
const models: Record<string, () => Promise<ResilientChatModel>> = {
  "an undisturbed stream": async () =>
    createModel([await startServer(streamPieces("The answer is 42."))]).model,
  "a stream that was continued": async () => {
    const server = await startServer();
    server.playScript(breakOffOnce("The answer is 42.", 3, "begins from the start"));
    return createModel([server]).model;
  },
  "a stream that was restarted": async () => {
    const server = await startServer();
    server.playScript(breakOffOnce("The answer is 42.", 3, "begins from the start"));
    return createModel([server], { streamRecovery: "restart" }).model;
  },
  "a provider that gives no ids": async () => {
    const frame = (delta: object, finish_reason: string | null = null) => ({
      frame: { choices: [{ index: 0, delta, finish_reason }] },
    });
    const server = await startServer(
      replies.stream(frame({ content: "The " }), frame({ content: "end." }), frame({}, "stop")),
    );
    return createModel([server]).model;
  },
  "a model of another kind that gives no ids": async () =>
    createModel([], {
      models: [
        new FakeStreamingChatModel({
          chunks: [
            new AIMessageChunk({ content: "one " }),
            new AIMessageChunk({ content: "two", id: "late" }),
          ],
        }),
      ],
    }).model,
};

it.each(Object.entries(models))(
  "%s: every chunk carries one id where it is serialized, the last one with the usage too",
  async (_, create) => {
    const chunks = await Array.fromAsync(streamOverWire(await create()));
    expect(chunks.length).toBeGreaterThan(2);
    const ids = new Set(chunks.map(({ id }) => id));
    expect(ids.size).toBe(1);
    expect([...ids][0]).toEqual(expect.any(String));
    const withUsage = chunks.filter(({ usage_metadata }) => usage_metadata);
    expect(withUsage).toHaveLength(1);
    expect(chunks.at(-1)).toHaveProperty("response_metadata.resilience.attempts");
  },
);
