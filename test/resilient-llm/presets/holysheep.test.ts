import { expect, it } from "vitest";
import { ResilientChatModel } from "@threadkeep/resilient-llm";
import { holySheep } from "@threadkeep/resilient-llm/presets/holysheep";
import * as replies from "../testing/replies.ts";
import { startServer } from "../testing/test-model.ts";

it("asks the cheapest model first and prices by HolySheep's table", async () => {
  const server = await startServer(replies.answer("done"));
  const model = new ResilientChatModel(holySheep({ apiKey: "key-1", baseURL: server.baseURL }));
  await model.invoke("hi");
  expect(server.requests[0]?.model).toBe("deepseek-v3.2");
  expect(server.requests[0]?.headers.authorization).toBe("Bearer key-1");
  expect(model.costs.snapshot().costUsd).toBeCloseTo((15 * 0.42) / 1e6, 12);
  expect(model.models).toEqual([
    "deepseek-v3.2",
    "gemini-2.5-flash",
    "gpt-4.1",
    "claude-sonnet-4.5",
  ]);
});
