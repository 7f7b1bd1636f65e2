import type { AIMessageChunk } from "@langchain/core/messages";
import { concat } from "@langchain/core/utils/stream";
import { ChatOpenAI } from "@langchain/openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { analystPrompt, triagePrompt } from "@threadkeep/examples/demo/agent/prompts";
import { Outage } from "./outage.ts";
import { ScriptedModelServer } from "./scripted-model-server.ts";
import { incidentScript } from "@threadkeep/examples/demo/incident-script";

describe("ScriptedModelServer", () => {
  const server = new ScriptedModelServer(incidentScript);
  let model: ChatOpenAI;
  let url: string;

  beforeAll(async () => {
    url = await server.start();
    model = new ChatOpenAI({ model: "scripted", apiKey: "-", configuration: { baseURL: url } });
  });

  afterAll(() => server.stop());

  it("streams the words it also gives as a whole answer, with the same usage", async () => {
    const prompt = analystPrompt({ source: "logs", text: "14:03 WARN pool" });
    const whole = await model.invoke(prompt);
    const chunks = await collect(await model.stream(prompt));
    const streamed = join(chunks);

    expect(chunks.length).toBeGreaterThan(10);
    expect(streamed.text).toBe(whole.text);
    expect(whole).toHaveProperty("usage_metadata.total_tokens");
    expect(streamed.usage_metadata).toEqual(whole.usage_metadata);
  });

  it("calls tools, streamed or not, with the same id each time it is asked the same", async () => {
    const prompt = triagePrompt("PAGE");
    const whole = await model.invoke(prompt);
    const streamed = join(await collect(await model.stream(prompt)));

    expect(whole.tool_calls).toMatchObject([
      { name: "open_incident", args: { service: "checkout-api", severity: "SEV1" } },
    ]);
    expect(streamed.tool_calls).toEqual(whole.tool_calls);
  });

  it("lists its model and refuses what its script does not know", async () => {
    expect(await (await fetch(`${url}/models`)).json()).toMatchObject({
      object: "list",
      data: [{ id: "scripted" }],
    });
    await expect(model.invoke("What is for dinner?")).rejects.toThrow("no reply to turn 1");
  });

  it("refuses the planned requests to one model, names the pause, and notes each", async () => {
    const refusal = { from: 2, to: 2, status: 429, pauseMs: 300 } as const;
    const failing = new ScriptedModelServer(
      incidentScript,
      {},
      new Outage({ model: "large", refusals: [refusal] }),
    );
    const chat = `${await failing.start()}/chat/completions`;
    try {
      const ask = (name: string) =>
        fetch(chat, {
          method: "POST",
          body: JSON.stringify({ model: name, messages: [{ role: "system", content: LOGS }] }),
        });
      const answers = [await ask("large"), await ask("small"), await ask("large")];
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
      expect(answers[2]?.headers.get("retry-after-ms")).toBe("300");
      expect((await ask("large")).status).toBe(200);
      expect(failing.outage.refused).toEqual([{ model: "large", status: 429, pauseMs: 300 }]);
    } finally {
      await failing.stop();
    }
  });
});

const LOGS = "You are the logs analyst. Judge.";

async function collect(stream: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk[]> {
  const chunks: AIMessageChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

function join(chunks: readonly AIMessageChunk[]): AIMessageChunk {
  return chunks.slice(1).reduce((sum, chunk) => concat(sum, chunk), chunks[0]!);
}
