import type { AIMessageChunk } from "@langchain/core/messages";
import type { JournaledPart, ResilienceEvent } from "@threadkeep/resilient-llm";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { inPieces, type Manner, manners, streamPieces } from "../testing/continuing-server.ts";
import type { ReceivedRequest, Script } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, startServer } from "../testing/test-model.ts";
import { collectStream } from "./collect-stream.ts";
import { endless, holdWrites, makeMortal } from "./journal-wrappers.ts";
import { inMemory, useJournalDatabase } from "./journals.ts";

const WHOLE =
  "The sky is blue because the molecules of the air scatter short waves of light more than long ones.";
const PIECES = 12;
const KEPT = WHOLE.slice(0, PIECES * 3);

let tasks = 0;
function newCall() {
  tasks += 1;
  const thread = { configurable: { thread_id: `thread-${tasks}` } };
  return { ...thread, journal: { task: `task-${tasks}` } };
}

/** A server that falls silent in its first answer. Later it continues in its manner, if it is asked to. */
function fallSilentOnce(
  manner: Manner,
  first: readonly replies.StreamStep[] = inPieces(WHOLE).slice(0, PIECES),
): Script {
  return (request: ReceivedRequest) => {
    if (request.index === 0) return replies.stream(...first, { hang: true });
    const [answer, asked] = request.body.messages.slice(-2);
    if (answer?.role !== "assistant") return streamPieces(WHOLE);
    const text = String(asked?.content);
    const partial = String(answer.content);
    const lastWords = text.slice(text.indexOf("\n") + 1);
    return streamPieces(manners[manner](WHOLE, { partial, lastWords }));
  };
}

/** Reads up to a chunk. The rest is left as it is. */
async function readUpTo(
  stream: AsyncIterable<AIMessageChunk>,
  isLast: (chunk: AIMessageChunk) => boolean,
): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]();
  for (;;) {
    const step = await iterator.next();
    if (step.done === true || isLast(step.value)) return;
  }
}

/** Reads until `text` has come. */
async function readUntil(stream: AsyncIterable<AIMessageChunk>, text: string): Promise<void> {
  let seen = "";
  await readUpTo(stream, (chunk) => (seen += chunk.text) === text);
}

function readResilience(message: { readonly response_metadata: object }) {
  return (message.response_metadata as { readonly resilience: object }).resilience;
}

const often = { everyTokens: 1, everyMs: 1, leaseMs: 200 };
const database = useJournalDatabase();

describe.each([inMemory(), database])("$name", ({ open }) => {
  it("after an abort, the next process continues the stream, and its reader gets one text", async () => {
    const server = await startServer();
    server.playScript(fallSilentOnce("repeats the last words as asked"));
    const call = newCall();
    const first = createModel([server], { journal: { store: open(), ...often } });
    const abort = new AbortController();
    const stream = await first.model.stream("Why?", { ...call, signal: abort.signal });
    await readUntil(stream, KEPT);
    abort.abort(new Error("deploy"));
    await expect(collectStream(Promise.resolve(stream))).rejects.toThrow("deploy");

    const second = createModel([server], { journal: { store: open(), ...often } });
    const { chunks, whole } = await collectStream(second.model.stream("Why?", call));
    expect(whole.text).toBe(WHOLE);
    expect(chunks.length).toBeGreaterThan(2);
    expect(readResilience(whole)).toMatchObject({ resumed: true, attempts: 1 });
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]?.body.messages.at(-2)).toMatchObject({ content: KEPT });
    expect(second.events).toContainEqual(
      expect.objectContaining({ type: "journal-resumed", keptText: KEPT }),
    );
    // The first process has booked its part.
    expect(first.model.costs.snapshot()).toMatchObject({ attempts: 1, estimatedAttempts: 1 });
    expect(second.model.costs.snapshot()).toMatchObject({ attempts: 1, estimatedAttempts: 0 });
    // The third one gets all of it.
    const third = createModel([server], { journal: { store: open(), ...often } });
    expect((await third.model.invoke("Why?", call)).text).toBe(WHOLE);
    expect(server.requests).toHaveLength(2);
  });

  it("after a death, its part is continued once the lease is over, and booked as lost", async () => {
    const server = await startServer();
    server.playScript(fallSilentOnce("repeats the last words as asked"));
    const call = newCall();
    const store = makeMortal(open());
    const parts: JournaledPart[] = [];
    const first = createModel([server], {
      journal: { store, ...often, timeoutMs: 50, onCheckpoint: (part) => parts.push(part) },
    });
    const stream = await first.model.stream("Why?", call);
    await readUntil(stream, KEPT);
    while (parts.at(-1)?.text !== KEPT) await sleep(1);
    store.die();
    const startedAtMs = performance.now();
    const second = createModel([server], { journal: { store: open(), ...often } });
    const { whole } = await collectStream(second.model.stream("Why?", call));
    expect(whole.text).toBe(WHOLE);
    expect(performance.now() - startedAtMs).toBeGreaterThan(50);
    expect(second.events.map(({ type }) => type)).toContain("journal-wait");
    const { attempts, estimatedAttempts, outputTokens } = second.model.costs.snapshot();
    expect({ attempts, estimatedAttempts }).toEqual({ attempts: 2, estimatedAttempts: 1 });
    // The server reports 5. The part that was lost is estimated.
    expect(outputTokens).toBeGreaterThan(5);
    expect(parts.map(({ text }) => text)).toEqual(
      parts.map(({ text }) => KEPT.slice(0, text.length)),
    );
    await stream.return();
  });

  it("a whole answer is asked for as a stream, and continued too", async () => {
    const server = await startServer();
    server.playScript(fallSilentOnce("repeats the last words as asked"));
    const call = newCall();
    const parts: JournaledPart[] = [];
    const journal = { ...often, onCheckpoint: (part: JournaledPart) => parts.push(part) };
    const first = createModel([server], { journal: { store: open(), ...journal } });
    const abort = new AbortController();
    const answer = first.model.invoke("Why?", { ...call, signal: abort.signal });
    while (parts.at(-1)?.text !== KEPT) await sleep(1);
    abort.abort(new Error("deploy"));
    await expect(answer).rejects.toThrow("deploy");
    const second = createModel([server], { journal: { store: open(), ...often } });
    const whole = await second.model.invoke("Why?", call);
    expect(whole.text).toBe(WHOLE);
    expect(readResilience(whole)).toMatchObject({ resumed: true });
    expect(server.requests[1]?.body.messages.at(-2)).toMatchObject({ content: KEPT });
  });

  it("what does not continue the part is not joined to it: the whole answer is asked for", async () => {
    for (const manner of ["answers in other words", "comments first"] as const) {
      const server = await startServer();
      server.playScript(fallSilentOnce(manner));
      const call = newCall();
      const abort = new AbortController();
      const { model } = createModel([server], { journal: { store: open(), ...often } });
      const stream = await model.stream("Why?", { ...call, signal: abort.signal });
      await readUntil(stream, KEPT);
      abort.abort(new Error("deploy"));
      await collectStream(Promise.resolve(stream)).catch(() => undefined);
      const { whole } = await collectStream(model.stream("Why?", call));
      expect(whole.text).toBe(WHOLE);
      expect(readResilience(whole)).not.toHaveProperty("resumed");
      expect(server.requests).toHaveLength(3);
    }
  });

  it("arguments of a tool call and JSON are asked for anew", async () => {
    const begun = [
      { text: "Let me see. " },
      { toolCall: { id: "call_1", name: "add", args: '{"a": 4' } },
    ];
    const cases = [
      { first: begun, options: { tools: [{ type: "function", function: { name: "add" } }] } },
      { first: [{ text: '{"col' }], options: { response_format: { type: "json_object" } } },
    ] as const;
    for (const { first, options } of cases) {
      const server = await startServer();
      server.playScript(fallSilentOnce("repeats the last words as asked", first));
      const call = { ...newCall(), ...options };
      const abort = new AbortController();
      const { model } = createModel([server], { journal: { store: open(), ...often } });
      const stream = await model.stream("Why?", { ...call, signal: abort.signal } as object);
      await readUpTo(
        stream,
        ({ text, tool_call_chunks: calls }) => Boolean(calls?.length) || text === '{"col',
      );
      abort.abort(new Error("deploy"));
      await collectStream(Promise.resolve(stream)).catch(() => undefined);
      const { whole } = await collectStream(model.stream("Why?", call as object));
      expect(whole.text).toBe(WHOLE);
      expect(server.requests.map(({ body }) => body.messages.length)).toEqual([1, 1]);
    }
  });

  it("a reader that stops, and asks again, is continued where it stopped", async () => {
    const server = await startServer();
    server.playScript(fallSilentOnce("repeats the last words as asked"));
    const call = newCall();
    const { model } = createModel([server], { journal: { store: open(), ...often } });
    const stream = await model.stream("Why?", call);
    await readUntil(stream, KEPT);
    await stream.return();
    const { whole } = await collectStream(model.stream("Why?", call));
    expect(whole.text).toBe(WHOLE);
    expect(server.requests[1]?.body.messages.at(-2)).toMatchObject({ content: KEPT });
  });

  it("of two processes with one call, one asks and both have the answer", async () => {
    const server = await startServer((response, request) =>
      replies.stream(
        ...inPieces(WHOLE).flatMap((piece) => [piece, { waitMs: 2 }]),
        { finish: "stop" },
        { usage: replies.usage },
        { done: true },
      )(response, request),
    );
    const call = newCall();
    const models = [1, 2, 3].map(() =>
      createModel([server], { journal: { store: open(), ...often } }),
    );
    const answers = await Promise.all([
      models[0]?.model.invoke("Why?", call),
      models[1]?.model.invoke("Why?", call),
      collectStream(models[2]?.model.stream("Why?", call) as never).then(({ whole }) => whole),
    ]);
    expect(answers.map((answer) => answer?.text)).toEqual([WHOLE, WHOLE, WHOLE]);
    expect(server.requests).toHaveLength(1);
    const attempts = models.map(({ model }) => model.costs.snapshot().attempts);
    expect(attempts.toSorted((left, right) => left - right)).toEqual([0, 0, 1]);
  });

  it("a wait for another process ends with the caller's signal", async () => {
    const server = await startServer(replies.stream({ text: "Because " }, { hang: true }));
    const call = newCall();
    const { model } = createModel([server], { journal: { store: open(), leaseMs: 60_000 } });
    const stream = await model.stream("Why?", call);
    await readUntil(stream, "Because ");
    const signal = AbortSignal.timeout(30);
    await expect(model.invoke("Why?", { ...call, signal })).rejects.toThrow(/timeout|aborted/i);
    expect(server.requests).toHaveLength(1);
    await stream.return();
  });

  it("no stream waits for a part to be stored, and its end waits for the answer to be", async () => {
    const server = await startServer(streamPieces(WHOLE));
    const call = newCall();
    const parts = holdWrites(open(), "periodic");
    const { model } = createModel([server], {
      journal: { store: parts, ...often, timeoutMs: 20_000 },
    });
    const stream = await model.stream("Why?", call);
    // All of the text comes although the first part is still being stored.
    await readUntil(stream, WHOLE);
    expect(parts.held).toBe(1);
    parts.release();
    await collectStream(Promise.resolve(stream));

    const ends = holdWrites(open(), "after_call");
    const other = createModel([server], {
      journal: { store: ends, ...often, timeoutMs: 20_000 },
    });
    let isOver = false;
    const answer = other.model.invoke("Why?", newCall()).then(() => {
      isOver = true;
    });
    while (ends.held === 0) await sleep(1);
    await sleep(20);
    expect(isOver).toBe(false);
    ends.release();
    await answer;
  });

  it("a journal that fails or hangs makes no call fail, and an event tells of it", async () => {
    const works = open();
    const never = () => endless;
    const fails = () => Promise.reject(new Error("no connection"));
    const journals = [
      { open: fails, write: works.write.bind(works) },
      { open: never, write: works.write.bind(works) },
      { open: works.open.bind(works), write: fails },
      { open: works.open.bind(works), write: never },
    ];
    for (const broken of journals) {
      const server = await startServer(streamPieces(WHOLE));
      const store = { deleteThread: works.deleteThread.bind(works), ...broken };
      const journal = { store, ...often, timeoutMs: 50 };
      const { events, model } = createModel([server], { journal });
      expect((await model.invoke("Why?", newCall())).text).toBe(WHOLE);
      expect((await collectStream(model.stream("Why?", newCall()))).whole.text).toBe(WHOLE);
      const failure = events.find(
        (event): event is Extract<ResilienceEvent, { type: "journal-failed" }> =>
          event.type === "journal-failed",
      );
      expect(String(failure?.error)).toMatch(/no connection|did not answer within 50 ms/);
    }
  });

  it("an answer above maxAnswerBytes is handed out and not stored", async () => {
    const server = await startServer(streamPieces(WHOLE));
    const call = newCall();
    const journal = { store: open(), maxAnswerBytes: 64 };
    const { events, model } = createModel([server], { journal });
    expect((await model.invoke("Why?", call)).text).toBe(WHOLE);
    expect(events.map(({ type }) => type)).toContain("journal-failed");
    expect((await model.invoke("Why?", call)).text).toBe(WHOLE);
    expect(server.requests).toHaveLength(2);
  });
});

it("of a part that is damaged, what comes before the damage is kept", async () => {
  const forged = { $mergeObjects: ["$$this", { text: "forged" }] };
  const damages = [
    [{ $set: { pieces: { $map: { input: "$pieces", in: forged } } } }],
    [{ $set: { pieces: "nonsense" } }],
    [{ $set: { pieces: { $concatArrays: ["$pieces", "$pieces"] } } }],
  ];
  for (const damage of damages) {
    const server = await startServer();
    server.playScript(fallSilentOnce("repeats the last words as asked"));
    const call = newCall();
    const abort = new AbortController();
    const { events, model } = createModel([server], {
      journal: { store: database.open(), ...often },
    });
    const stream = await model.stream("Why?", { ...call, signal: abort.signal });
    await readUntil(stream, KEPT);
    abort.abort(new Error("deploy"));
    await collectStream(Promise.resolve(stream)).catch(() => undefined);
    const mine = { thread_id: call.configurable.thread_id };
    while (!(await database.entries.findOne({ ...mine, kind: "emergency" }))) await sleep(1);
    await database.damage(call.configurable.thread_id, damage);
    const { whole } = await collectStream(model.stream("Why?", call));
    expect(whole.text).toBe(WHOLE);
    expect(events.map(({ type }) => type)).toContain("journal-failed");
  }
});

it("entries expire by the server's clock, and carry no prompt", async () => {
  const server = await startServer(streamPieces(WHOLE));
  const { model } = createModel([server], { journal: database.open() });
  const call = newCall();
  await model.invoke("A secret prompt", call);
  const [entry] = await database.entries.find({ thread_id: call.configurable.thread_id }).toArray();
  const days = (Number(entry?.["expires_at"]) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(6.9);
  expect(days).toBeLessThan(7.1);
  expect(JSON.stringify(entry)).not.toContain("secret");
  const indexes = await database.entries.indexes();
  expect(indexes).toContainEqual(
    expect.objectContaining({ key: { expires_at: 1 }, expireAfterSeconds: 0 }),
  );
});
