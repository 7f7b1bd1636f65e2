import { ChatOpenAI } from "@langchain/openai";
import type { CallJournal, ResilienceEvent } from "@threadkeep/resilient-llm";
import { InMemoryCallJournal } from "@threadkeep/resilient-llm";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, inject, it, onTestFinished } from "vitest";
import { BackgroundServer } from "../testing/background-server.ts";
import { createModel, testKey } from "../testing/test-model.ts";
import { collectStream } from "./collect-stream.ts";
import { makeMortal } from "./journal-wrappers.ts";
import { useJournalDatabase } from "./journals.ts";
import { openAgentModel, startAgent } from "./mortal-agent.ts";

const WORDS = Array.from({ length: 20 }, (_, index) => `word${index} `);
const WHOLE = WORDS.join("");
const CREATE = "POST ";

const addTool = {
  type: "function" as const,
  function: { name: "add", parameters: { type: "object", properties: {} } },
};

const database = useJournalDatabase();

let tasks = 0;
function newCall() {
  tasks += 1;
  const thread = { configurable: { thread_id: `background-${tasks}` } };
  return { ...thread, journal: { task: `task-${tasks}` } };
}

async function startServer(): Promise<BackgroundServer> {
  const server = await BackgroundServer.start();
  onTestFinished(() => server[Symbol.asyncDispose]());
  server.scripts[0] = { words: WORDS };
  return server;
}

function openModel(server: BackgroundServer, store?: CallJournal) {
  const inner = new ChatOpenAI({
    model: "gpt-4.1",
    apiKey: testKey,
    useResponsesApi: true,
    modelKwargs: { background: true },
    configuration: { baseURL: server.baseURL },
  });
  const journal = store && { store, everyTokens: 1, everyMs: 1, leaseMs: 200, timeoutMs: 10_000 };
  return createModel([], { models: [inner], ...(journal ? { journal } : {}) });
}

/** Reads a stream until the model pauses, and leaves the rest. */
async function readUntilPause(stream: AsyncIterable<{ text: string }>, text: string) {
  const iterator = stream[Symbol.asyncIterator]();
  for (let seen = ""; seen !== text;) {
    const { value } = (await iterator.next()) as { value: { text: string } };
    seen += value.text;
  }
  return iterator;
}

function findPickUp(events: readonly ResilienceEvent[]) {
  return events.find(({ type }) => type === "journal-picked-up");
}

it("a stream that breaks off is picked up after its last event, as often as it takes, and nobody notices", async () => {
  const server = await startServer();
  server.cuts.push(9, 4, 1, 0);
  const { events, model } = openModel(server);
  const { whole } = await collectStream(model.stream("hi"));
  expect(whole.text).toBe(WHOLE);
  const pickUp = (number: number) => `GET /resp_1?stream=true&starting_after=${number}`;
  expect(server.asked).toEqual([CREATE, pickUp(8), pickUp(12), pickUp(13), pickUp(13)]);
  expect(new Set(server.log.map(({ authorization }) => authorization)).size).toBe(1);
  expect(events.map(({ type }) => type)).toEqual(["attempt-started", "attempt-succeeded"]);
  expect(model.costs.snapshot()).toMatchObject({ outputTokens: WORDS.length, attempts: 1 });
});

it("a whole answer is asked for as a stream, and picked up like one", async () => {
  const server = await startServer();
  server.cuts.push(9);
  const { model } = openModel(server);
  const answer = await model.invoke("hi");
  expect(answer.text).toBe(WHOLE);
  expect(server.created).toHaveLength(1);
  expect(server.created[0]?.body).toMatchObject({ stream: true, background: true });
});

it("the arguments of a tool are picked up too", async () => {
  const server = await startServer();
  server.scripts[0] = { words: ['{"a"', ": 1, ", '"b": ', "2}"], tool: "add" };
  server.cuts.push(6);
  const { whole } = await collectStream(openModel(server).model.stream("hi"));
  expect(whole.tool_calls).toMatchObject([{ name: "add", args: { a: 1, b: 2 } }]);
  expect(server.created).toHaveLength(1);
});

it.each([
  { what: "text", script: { words: WORDS }, expected: { text: WHOLE, calls: [] } },
  {
    what: "the arguments of a tool",
    script: { words: ['{"a"', ": 1", "}"], tool: "add" },
    expected: { text: "", calls: [{ name: "add", args: { a: 1 } }] },
  },
])(
  "after a death in $what, the next process picks the response up and books it once",
  async ({ expected, script }) => {
    const server = await startServer();
    server.scripts[0] = script;
    server.pausesAfter = 2;
    // Calls of tools that nobody offered are handed out at the end only.
    const offered = "tool" in script ? { tools: [addTool] } : {};
    const call = { ...newCall(), ...offered };
    const store = makeMortal(database.open());
    const stream = await openModel(server, store).model.stream("hi", call);
    const text = "tool" in script ? "" : WORDS.slice(0, 2).join("");
    void readUntilPause(stream, text);
    const filter = { thread_id: call.configurable.thread_id, "response.id": "resp_1" };
    while (!(await database.entries.findOne(filter))) await sleep(5);
    store.die();

    server.goOn();
    const second = openModel(server, database.open());
    const { whole } = await collectStream(second.model.stream("hi", call));
    expect({ text: whole.text, calls: whole.tool_calls }).toMatchObject(expected);
    expect(whole.usage_metadata).toMatchObject({ output_tokens: script.words.length });
    expect(whole.response_metadata["resilience"]).toMatchObject({ pickedUp: true, attempts: 1 });
    expect(server.created).toHaveLength(1);
    expect(server.asked).toContain("GET /resp_1?stream=true");
    expect(findPickUp(second.events)).toMatchObject({ from: "provider", candidate: "gpt-4.1" });
    expect(second.model.costs.snapshot()).toMatchObject({
      attempts: 1,
      estimatedAttempts: 0,
      outputTokens: script.words.length,
    });
    // The third one has it from the journal.
    const third = openModel(server, database.open());
    expect((await third.model.invoke("hi", call)).tool_calls).toEqual(whole.tool_calls);
    expect(server.asked).toHaveLength(2);
  },
);

it("after SIGKILL in mid-stream, the next process makes no request for another response", async () => {
  const server = await startServer();
  server.pausesAfter = 5;
  const call = newCall();
  const { baseURL } = server;
  const { dbName } = database;
  const uri = inject("mongodbUri");
  const setting = { uri, dbName, baseURL, call, isJournaled: true, isBackground: true };
  const child = startAgent(setting);
  onTestFinished(() => void child.kill("SIGKILL"));
  const begun = WORDS.slice(0, 5).join("");
  child.stdout.setEncoding("utf8");
  for (let text = ""; text !== begun;) text += String(await once(child.stdout, "data"));
  while (
    !(await database.entries.findOne({
      "response.id": "resp_1",
      thread_id: call.configurable.thread_id,
    }))
  ) {
    await sleep(5);
  }
  child.kill("SIGKILL");
  await once(child, "close");
  server.goOn();
  const model = openAgentModel(setting, database.client);
  expect((await model.invoke("hi", call)).text).toBe(WHOLE);
  expect(server.created).toHaveLength(1);
  expect(model.costs.snapshot()).toMatchObject({ attempts: 1, estimatedAttempts: 0 });
});

it.each([
  { what: "is lost to the provider", status: "completed", spoil: "hasForgotten" },
  { what: "came to nothing", status: "failed", spoil: "hasClosedStreams" },
] as const)(
  "of a response that $what, the part in the journal is continued, and booked as lost",
  async ({ spoil, status }) => {
    const server = await startServer();
    server.scripts.unshift({ words: WORDS, status });
    server.pausesAfter = 12;
    const call = newCall();
    const journal = new InMemoryCallJournal();
    const store = makeMortal(journal);
    const stream = await openModel(server, store).model.stream("hi", call);
    await readUntilPause(stream, WORDS.slice(0, 12).join(""));
    await sleep(20);
    store.die();
    server[spoil] = true;
    server.goOn();
    await sleep(60);
    const second = openModel(server, journal);
    const answer = await second.model.invoke("hi", call);
    expect(answer.text).toBe(WHOLE);
    expect(answer.response_metadata["resilience"]).toMatchObject({ resumed: true });
    expect(server.created).toHaveLength(2);
    expect(findPickUp(second.events)).toBeUndefined();
    // The lost part, the attempt that found nothing, and the one that was answered.
    const { attempts, estimatedAttempts, outputTokens } = second.model.costs.snapshot();
    expect({ attempts, estimatedAttempts }).toEqual({ attempts: 3, estimatedAttempts: 1 });
    const { output_tokens: said } = Object(answer.usage_metadata) as { output_tokens: number };
    expect(said).toBeLessThan(WORDS.length);
    expect(outputTokens).toBeGreaterThan(said);
  },
);

it("a response that is lost and cannot be continued is asked for anew in the same attempt", async () => {
  const server = await startServer();
  server.scripts[0] = { words: ['{"a"', ": 1", "}"], tool: "add" };
  server.pausesAfter = 2;
  const call = { ...newCall(), tools: [addTool] };
  const journal = new InMemoryCallJournal();
  const store = makeMortal(journal);
  await openModel(server, store).model.stream("hi", call);
  await sleep(20);
  store.die();
  server.hasForgotten = true;
  server.goOn();
  const second = openModel(server, journal);
  const answer = await second.model.invoke("hi", call);
  expect(answer.tool_calls).toMatchObject([{ args: { a: 1 } }]);
  expect(server.created).toHaveLength(2);
  expect(second.model.costs.snapshot()).toMatchObject({ attempts: 1 });
});

it("a response whose stream is over is picked up as a whole", async () => {
  const server = await startServer();
  server.pausesAfter = 3;
  const call = newCall();
  const journal = new InMemoryCallJournal();
  const store = makeMortal(journal);
  const stream = await openModel(server, store).model.stream("hi", call);
  await readUntilPause(stream, WORDS.slice(0, 3).join(""));
  await sleep(20);
  store.die();
  server.hasClosedStreams = true;
  server.goOn();
  const second = openModel(server, journal);
  const { whole } = await collectStream(second.model.stream("hi", call));
  expect(whole.text).toBe(WHOLE);
  expect(server.created).toHaveLength(1);
  expect(server.asked.slice(1)).toContain("GET /resp_1");
});

it("a response that was changed behind the journal's back is not picked up", async () => {
  const server = await startServer();
  server.pausesAfter = 3;
  const call = newCall();
  const store = makeMortal(database.open());
  const stream = await openModel(server, store).model.stream("hi", call);
  await readUntilPause(stream, WORDS.slice(0, 3).join(""));
  const filter = { thread_id: call.configurable.thread_id, "response.id": "resp_1" };
  while (!(await database.entries.findOne(filter))) await sleep(5);
  store.die();
  await database.damage(call.configurable.thread_id, [{ $set: { "response.id": "resp_2" } }]);
  server.goOn();
  const second = openModel(server, database.open());
  await second.model.invoke("hi", call);
  expect(server.asked.join()).not.toContain("resp_2?");
  expect(server.created).toHaveLength(2);
});

it("when nobody wants a response any more it is cancelled, and not picked up", async () => {
  const server = await startServer();
  server.pausesAfter = 3;
  const call = newCall();
  const journal = new InMemoryCallJournal();
  const abort = new AbortController();
  const first = openModel(server, journal);
  const stream = await first.model.stream("hi", { ...call, signal: abort.signal });
  const iterator = await readUntilPause(stream, WORDS.slice(0, 3).join(""));
  abort.abort(new Error("enough"));
  await expect(iterator.next()).rejects.toThrow("enough");
  while (server.asked.length < 2) await sleep(5);
  expect(server.asked).toEqual([CREATE, "POST /resp_1/cancel"]);
  server.goOn();
  await openModel(server, journal).model.invoke("hi", call);
  expect(server.created).toHaveLength(2);
});
