import { EventEmitter, once } from "node:events";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HttpServer } from "../http-server.ts";
import { ScriptedModelServer } from "../model-server/scripted-model-server.ts";
import { incidentScript } from "@threadkeep/examples/demo/incident-script";
import { RecordingProxy } from "./recording-proxy.ts";

const QUESTION = {
  model: "scripted",
  stream: true,
  messages: [
    { role: "system", content: "You are the logs analyst. Judge." },
    { role: "user", content: "14:03 WARN pool" },
  ],
};

describe("RecordingProxy", () => {
  const model = new ScriptedModelServer(incidentScript, { tokenMs: 1 });
  let proxy: RecordingProxy;
  let url: string;

  beforeEach(async () => {
    proxy = new RecordingProxy(await model.start());
    url = await proxy.start();
  });

  afterEach(async () => {
    await proxy.stop();
    await model.stop();
  });

  it("passes the model's answer on unchanged and logs it as completed", async () => {
    const answer = await (await ask(url)).text();
    expect(answer).toContain('"content":"Requests"');
    expect(answer.endsWith("data: [DONE]\n\n")).toBe(true);
    await proxy.log.settled(AbortSignal.timeout(5000));
    expect(proxy.log.calls).toMatchObject([
      { id: 1, role: "logs analyst", turn: 1, status: 200, outcome: "completed", streamed: true },
    ]);
  });

  it("gives equal questions one digest and different ones another", async () => {
    await (await ask(url)).text();
    await (await ask(url)).text();
    await (await ask(url, { ...QUESTION, messages: QUESTION.messages.slice(0, 1) })).text();
    const [first, second, third] = proxy.log.calls.map(({ digest }) => digest);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it.for(["asked", "answering"] as const)(
    "logs a call as cut, not as completed, when its client dies while it is held (%s)",
    async (moment) => {
      const held = new EventEmitter();
      proxy.gate = (_call, at) => {
        if (at !== moment) return undefined;
        queueMicrotask(() => held.emit("held"));
        return new Promise(() => {});
      };
      const client = request(`${url}/chat/completions`, { method: "POST" });
      client.on("error", () => {});
      client.end(JSON.stringify(QUESTION));
      await once(held, "held");
      client.destroy();
      await proxy.log.settled(AbortSignal.timeout(5000));
      expect(proxy.log.calls[0]?.outcome).toBe("cut");
    },
  );

  it("logs an answer with an error status as failed", async () => {
    const messages = [{ role: "system", content: "You are the cook." }];
    const answer = await ask(url, { ...QUESTION, messages });
    expect(answer.status).toBe(400);
    await answer.text();
    await proxy.log.settled(AbortSignal.timeout(5000));
    expect(proxy.log.calls[0]).toMatchObject({ status: 400, outcome: "failed" });
  });

  it("breaks off, and logs a failure, when the model's server breaks off", async () => {
    const broken = new HttpServer(async (_request, response) => {
      response.writeHead(200).write("data: {}\n\n");
      await sleep(20);
      response.destroy();
    });
    const other = new RecordingProxy(`${await broken.start()}/v1`);
    try {
      const answer = await ask(await other.start());
      await expect(answer.text()).rejects.toThrow("terminated");
      await other.log.settled(AbortSignal.timeout(5000));
      expect(other.log.calls[0]?.outcome).toBe("failed");
    } finally {
      await other.stop();
      await broken.stop();
    }
  });
});

function ask(url: string, question: object = QUESTION): Promise<Response> {
  return fetch(`${url}/chat/completions`, { method: "POST", body: JSON.stringify(question) });
}
