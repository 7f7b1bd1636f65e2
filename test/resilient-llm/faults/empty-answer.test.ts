import type { AIMessageChunk } from "@langchain/core/messages";
import { AllCandidatesFailedError } from "@threadkeep/resilient-llm";
import { expect, it } from "vitest";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";
import type { Reply } from "../testing/fault-server.ts";

/** Streamed or whole, as the request wants it. */
const empty: Reply = (response, request) =>
  (request.streaming
    ? replies.stream({ finish: "stop" }, { usage: replies.usage }, { done: true })
    : replies.completion(""))(response, request);

const reasoningOnly = replies.stream(
  { frame: { choices: [{ index: 0, delta: { reasoning_content: "Let me think" } }] } },
  { finish: "stop" },
  { done: true },
);

async function join(stream: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk> {
  const chunks = await Array.fromAsync(stream);
  return chunks.reduce((whole, chunk) => whole.concat(chunk));
}

type Model = ReturnType<typeof createModel>["model"];

const ways = [
  ["invoke", (model: Model) => model.invoke("hi")],
  ["stream", async (model: Model) => join(await model.stream("hi"))],
] as const;

it.each(ways)(
  "an empty answer is asked for once more before anybody sees it (%s)",
  async (_, ask) => {
    const server = await startServer(empty, replies.answer("here you are"));
    const { model } = createModel([server]);
    const answer = await ask(model);
    expect(answer.text).toBe("here you are");
    expect(answer.response_metadata["resilience"]).toMatchObject({
      attempts: 2,
      emptyAnswer: false,
    });
  },
);

it.each(ways)(
  "if nobody says more, the empty answer is handed out and flagged, not an error (%s)",
  async (_, ask) => {
    const first = await startServer(empty);
    const second = await startServer(empty);
    const { model, events } = createModel([first, second]);
    const answer = await ask(model);
    expect(answer.text).toBe("");
    expect(answer.response_metadata["resilience"]).toMatchObject({
      candidate: "second",
      attempts: 4,
      emptyAnswer: true,
    });
    expect([first.requests.length, second.requests.length]).toEqual([2, 2]);
    expect(events.some((event) => event.type === "breaker")).toBe(false);
  },
);

it.each(ways)("an empty answer before failures only is no answer (%s)", async (_, ask) => {
  const first = await startServer(empty, replies.error(500));
  const second = await startServer(replies.error(500));
  const { model } = createModel([first, second]);
  const error = await rejection(ask(model));
  expect(error).toBeInstanceOf(AllCandidatesFailedError);
  expect(String(error)).toContain("empty-answer");
});

it.each(ways)(
  "a failing second candidate does not hide an answer that was empty twice (%s)",
  async (_, ask) => {
    const first = await startServer(empty);
    const second = await startServer(replies.error(500));
    const { model } = createModel([first, second]);
    const answer = await ask(model);
    expect(answer.response_metadata["resilience"]).toMatchObject({
      candidate: "first",
      emptyAnswer: true,
    });
  },
);

it.each(ways)('with emptyAnswer: "accept" an empty answer is one (%s)', async (_, ask) => {
  const server = await startServer(empty);
  const { model } = createModel([server], { emptyAnswer: "accept" });
  expect((await ask(model)).text).toBe("");
  expect(server.requests).toHaveLength(1);
});

it("reasoning that was handed out is neither repeated nor void, and the answer comes after it", async () => {
  const reasonsAgain = replies.stream(
    { frame: { choices: [{ index: 0, delta: { reasoning_content: "Let me see" } }] } },
    { text: "The answer." },
    { finish: "stop" },
    { done: true },
  );
  const server = await startServer(reasoningOnly, reasonsAgain);
  const { model } = createModel([server]);
  const answer = await join(await model.stream("hi"));
  expect(answer.text).toBe("The answer.");
  expect(answer.additional_kwargs["reasoning_content"]).toBe("Let me think");
  expect(server.requests[1]?.body.messages).toHaveLength(1);
});

it('with streamRecovery: "restart" reasoning that was handed out is void once the answer starts over', async () => {
  const server = await startServer(reasoningOnly, replies.streamText("The answer."));
  const { model } = createModel([server], { streamRecovery: "restart" });
  const answer = await join(await model.stream("hi"));
  expect(answer.text).toBe("The answer.");
  expect(answer.additional_kwargs["reasoning_content"]).toBeUndefined();
});

it('with streamRecovery: "error" reasoning alone ends as a flagged empty answer', async () => {
  const server = await startServer(reasoningOnly);
  const { model } = createModel([server], { streamRecovery: "error" });
  const answer = await join(await model.stream("hi"));
  expect(answer.text).toBe("");
  expect(answer.additional_kwargs["reasoning_content"]).toBe("Let me think");
  expect(answer.response_metadata["resilience"]).toMatchObject({ emptyAnswer: true });
  expect(server.requests).toHaveLength(1);
});

it("white space that comes first is handed out with the text after it", async () => {
  const server = await startServer(
    replies.stream({ text: "\n\n" }, { text: "Hello" }, { finish: "stop" }, { done: true }),
  );
  const { model } = createModel([server]);
  expect((await join(await model.stream("hi"))).text).toBe("\n\nHello");
});

it("a text that broke off and has nothing more to come after a prefill is whole", async () => {
  const server = await startServer(
    replies.stream({ text: "All of it." }, { reset: true }),
    replies.stream({ finish: "stop" }, { done: true }),
  );
  const { model } = createModel([], {
    models: [{ model: "first-model", baseURL: server.baseURL, acceptsPrefill: true }],
  });
  const answer = await join(await model.stream("hi"));
  expect(answer.text).toBe("All of it.");
  expect(answer.response_metadata["resilience"]).toMatchObject({ attempts: 2, emptyAnswer: false });
});

it("a text that broke off is whole when the model repeats its last words and adds nothing", async () => {
  const server = await startServer(
    replies.stream({ text: "All of it. " }, { reset: true }),
    replies.streamText("All of it."),
  );
  const { model } = createModel([server]);
  expect((await join(await model.stream("hi"))).text).toBe("All of it. ");
});
