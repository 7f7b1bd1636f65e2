import type { ResilienceEvent } from "@threadkeep/resilient-llm";
import { InMemoryCallJournal, ResilientChatModel } from "@threadkeep/resilient-llm";
import { once } from "node:events";
import { chmod, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import {
  answerTo,
  type Pace,
  type ProviderMoment,
  SteadyProvider,
} from "../../faults/journal/steady-provider.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer, testKey } from "../testing/test-model.ts";
import { collectStream } from "./collect-stream.ts";
import { makeMortal } from "./journal-wrappers.ts";
import { useJournalDatabase } from "./journals.ts";
import { type AgentSetting, openAgentModel, startAgent } from "./mortal-agent.ts";
import { type Address, isRunning, TestKeeper } from "./test-keeper.ts";

const database = useJournalDatabase();

let tasks = 0;
function newCall() {
  tasks += 1;
  const thread = { configurable: { thread_id: `keeper-${tasks}` } };
  return { ...thread, journal: { task: `task-${tasks}` } };
}

async function startProvider(pace: Pace): Promise<SteadyProvider> {
  const provider = await SteadyProvider.start(pace);
  onTestFinished(() => provider[Symbol.asyncDispose]());
  return provider;
}

/** What an agent and the one that takes its place work with. */
function set(provider: SteadyProvider, keeper: TestKeeper, call: object): AgentSetting {
  const { dbName } = database;
  const uri = inject("mongodbUri");
  const { baseURL } = provider;
  return { uri, dbName, baseURL, call, isJournaled: true, keeper: keeper.options };
}

function openAgent(setting: AgentSetting) {
  const events: ResilienceEvent[] = [];
  const model = openAgentModel(setting, database.client, (event) => events.push(event));
  return { model, events };
}

/** Starts an agent and kills it at a moment of its provider's. */
async function killAgent(
  setting: AgentSetting,
  provider: SteadyProvider,
  isTime: (moment: ProviderMoment, words: number) => boolean,
): Promise<void> {
  const child = startAgent(setting);
  await new Promise<void>((resolve) => {
    provider.onMoment = (...now) => isTime(...now) && resolve();
  });
  child.kill("SIGKILL");
  await once(child, "close");
}

/** A model with a keeper. */
function openModel(baseURL: string, keeper: TestKeeper, store = database.open()) {
  const events: ResilienceEvent[] = [];
  const model = new ResilientChatModel({
    models: ["gpt-4.1"],
    baseURL,
    apiKey: testKey,
    onEvent: (event) => events.push(event),
    journal: { store, leaseMs: 300, timeoutMs: 10_000, keeper: keeper.options },
  });
  return { model, events };
}

function listFailures(events: readonly ResilienceEvent[]): string[] {
  return events.flatMap((event) => (event.type === "keeper-failed" ? [String(event.error)] : []));
}

describe("an agent that is killed", () => {
  it("at 90 % of a stream: the next process gets all of it, and no token is paid for again", async () => {
    const words = 200;
    const provider = await startProvider({ words, pauseMs: 2 });
    const keeper = await TestKeeper.open();
    const call = newCall();
    const setting = set(provider, keeper, call);
    await killAgent(setting, provider, (_, count) => count >= words * 0.9);

    const { events, model } = openAgent(setting);
    const { whole } = await collectStream(model.stream("hi", call));
    expect(whole.text).toBe(answerTo("hi", words));
    expect(provider.log).toMatchObject([{ call: "hi", words, isComplete: true }]);
    expect(events.map(({ type }) => type)).toContain("journal-picked-up");
    expect(whole.response_metadata["resilience"]).toMatchObject({ pickedUp: true });
    expect(model.costs.snapshot()).toMatchObject({
      attempts: 1,
      estimatedAttempts: 0,
      outputTokens: words,
    });
    // It is in the journal now, and the keeper has let go of it.
    const third = openAgent(setting);
    expect((await third.model.invoke("hi", call)).text).toBe(whole.text);
    expect(third.events.map(({ type }) => type)).toContain("journal-replayed");
  });

  it("before the first word: the next process gets the answer to the request that was sent", async () => {
    const provider = await startProvider({ words: 20, pauseMs: 20 });
    const keeper = await TestKeeper.open();
    const call = newCall();
    const setting = set(provider, keeper, call);
    await killAgent(setting, provider, (moment) => moment === "asked");
    const { model } = openAgent(setting);
    expect((await model.invoke("hi", call)).text).toBe(answerTo("hi", 20));
    expect(provider.log).toMatchObject([{ words: 20, isComplete: true }]);
  });

  it("together with its keeper: its part is continued, as without one", async () => {
    const words = 100;
    const provider = await startProvider({ words, pauseMs: 2 });
    const keeper = await TestKeeper.open();
    const call = newCall();
    const store = makeMortal(database.open());
    const first = openModel(provider.baseURL, keeper, store);
    const stream = await first.model.stream("hi", call);
    let count = 0;
    for await (const chunk of stream) {
      count += chunk.text === "" ? 0 : 1;
      if (count < 80) continue;
      store.die();
      await keeper.end("SIGKILL");
      break;
    }
    const { events, model } = openModel(provider.baseURL, keeper);
    const { whole } = await collectStream(model.stream("hi", call));
    expect(whole.text).toBe(answerTo("hi", words));
    expect(provider.log).toMatchObject([{ continues: false }, { continues: true }]);
    expect(listFailures(events)).toEqual([]);
    // Another keeper has taken the place of the one that was killed, and its socket.
    expect(await keeper.list()).toHaveLength(2);
  });
});

it("an answer that nobody wants any more is broken off at the provider", async () => {
  const provider = await startProvider({ words: 1_000, pauseMs: 5 });
  const keeper = await TestKeeper.open();
  const { model } = openModel(provider.baseURL, keeper, new InMemoryCallJournal());
  const call = newCall();
  const abort = new AbortController();
  for await (const chunk of await model.stream("hi", { ...call, signal: abort.signal })) {
    if (chunk.text !== "") break;
  }
  while (provider.running > 0) await sleep(5);
  // So is one of which nothing has come yet.
  const asked = model.invoke("slow", { ...newCall(), signal: abort.signal });
  while (provider.running === 0) await sleep(5);
  abort.abort(new Error("enough"));
  await expect(asked).rejects.toThrow("enough");
  while (provider.running > 0) await sleep(5);
  expect(provider.log.every(({ words }) => words < 500)).toBe(true);
});

it("models that need a keeper at once share one, and it ends when it has nothing to do", async () => {
  const provider = await startProvider({ words: 5, pauseMs: 0 });
  const keeper = await TestKeeper.open({ idleMs: 300 });
  const models = Array.from({ length: 5 }, () => openModel(provider.baseURL, keeper).model);
  await Promise.all(models.map((model) => model.invoke("hi", newCall())));
  const addresses = await keeper.readAddresses();
  expect(addresses).toHaveLength(1);
  const pid = Number(addresses[0]?.pid);
  while (isRunning(pid)) await sleep(20);
  while ((await keeper.list()).length > 0) await sleep(20);
  // It is started again when it is needed again.
  const [model] = models;
  expect((await model?.invoke("hi", newCall()))?.text).toBe(answerTo("hi", 5));
  expect(await keeper.readAddresses()).toHaveLength(1);
});

it("only its user reaches it, with its token, and no file holds a key or a prompt", async () => {
  const provider = await startProvider({ words: 5, pauseMs: 0 });
  const keeper = await TestKeeper.open();
  const { model } = openModel(provider.baseURL, keeper);
  await model.invoke("secret prompt", newCall());
  const { folder } = keeper.options;
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  for (const name of await keeper.list(".json")) {
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    const text = await readFile(join(folder, name), "utf8");
    expect(text).not.toContain(testKey);
    expect(text).not.toContain("secret");
  }
  const address = (await keeper.readAddresses())[0] as Address;
  const { listen, pid, token } = address;
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  expect(environment).not.toContain("API_KEY");
  const ask = async (authorization: string) => {
    const asked = request({ socketPath: listen, path: "/calls/1", headers: { authorization } });
    asked.end();
    const [answer] = (await once(asked, "response")) as [{ statusCode: number; resume(): void }];
    answer.resume();
    return answer.statusCode;
  };
  expect(await ask(`Bearer ${token}`)).toBe(404);
  expect(await ask(`Bearer ${token.replace(/./, "x")}`)).toBe(401);
  expect(await ask("")).toBe(401);
});

it("what somebody else may have put into its folder is sent nothing", async () => {
  const provider = await startProvider({ words: 5, pauseMs: 0 });
  const keeper = await TestKeeper.open();
  await openModel(provider.baseURL, keeper).model.invoke("hi", newCall());
  const [name = ""] = await keeper.list(".json");
  await keeper.end("SIGKILL");
  let asked = 0;
  const impostor = createServer((_, response) => {
    asked += 1;
    response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void impostor.close());
  await once(impostor, "listening");
  const { folder } = keeper.options;
  const { port } = impostor.address() as AddressInfo;
  await writeFile(join(folder, name), JSON.stringify({ listen: port, token: "", pid: 0 }));
  await chmod(folder, 0o777);
  const { events, model } = openModel(provider.baseURL, keeper);
  expect((await model.invoke("ho", newCall())).text).toBe(answerTo("ho", 5));
  expect(asked).toBe(0);
  expect(listFailures(events).join()).toContain("chmod 700");
  await rm(join(folder, name));
});

describe("without a keeper the call goes directly, and an event says why:", () => {
  it("others may enter its folder", async () => {
    const provider = await startProvider({ words: 5, pauseMs: 0 });
    const keeper = await TestKeeper.open();
    await chmod(keeper.options.folder, 0o755);
    const { events, model } = openModel(provider.baseURL, keeper);
    expect((await model.invoke("hi", newCall())).text).toBe(answerTo("hi", 5));
    expect(listFailures(events).join()).toContain("chmod 700");
  });

  it("as many requests run as may", async () => {
    const provider = await startProvider({ words: 40, pauseMs: 5 });
    const keeper = await TestKeeper.open({ maxRequests: 1 });
    const { events, model } = openModel(provider.baseURL, keeper);
    const texts = await Promise.all([1, 2, 3].map(() => model.invoke("hi", newCall())));
    expect(texts.map(({ text }) => text)).toEqual(Array(3).fill(answerTo("hi", 40)));
    expect(listFailures(events)).toHaveLength(2);
    expect(listFailures(events)[0]).toContain("journal.keeper.maxRequests");
  });

  it("the keeper does not react", async () => {
    const provider = await startProvider({ words: 5, pauseMs: 0 });
    const keeper = await TestKeeper.open();
    const { events, model } = openModel(provider.baseURL, keeper);
    await model.invoke("hi", newCall());
    const pid = Number((await keeper.readAddresses())[0]?.pid);
    process.kill(pid, "SIGSTOP");
    onTestFinished(() => void process.kill(pid, "SIGCONT"));
    expect((await model.invoke("ho", newCall())).text).toBe(answerTo("ho", 5));
    expect(listFailures(events).join()).toContain("did not react");
  });

  it("the candidate has a fetch of its own", async () => {
    const provider = await startProvider({ words: 5, pauseMs: 0 });
    const keeper = await TestKeeper.open();
    const events: ResilienceEvent[] = [];
    const model = new ResilientChatModel({
      models: [{ model: "m", fields: { configuration: { fetch: (...args) => fetch(...args) } } }],
      baseURL: provider.baseURL,
      apiKey: testKey,
      onEvent: (event) => events.push(event),
      journal: { store: new InMemoryCallJournal(), keeper: keeper.options },
    });
    expect((await model.invoke("hi", newCall())).text).toBe(answerTo("hi", 5));
    expect(listFailures(events).join()).toContain("a fetch of your own");
    // It was started all the same, for what else the model may ask. It ends with the test.
    while ((await keeper.list(".json")).length === 0) await sleep(10);
  });
});

it("failures come through as they are", async () => {
  const keeper = await TestKeeper.open();
  const journal = { store: new InMemoryCallJournal(), keeper: keeper.options };
  const server = await startServer(
    replies.withHeaders({ "retry-after": "7" }, replies.error(429)),
    replies.answer("hello"),
  );
  const limited = createModel([server], { journal });
  expect((await limited.model.invoke("hi", newCall())).text).toBe("hello");
  expect(limited.events).toContainEqual(expect.objectContaining({ type: "retry", delayMs: 7_000 }));
  const { baseURL } = server;
  const down = createModel([server], { journal, retry: { maxRetries: 0 } });
  await server.close();
  const error = String(await rejection(down.model.invoke("ho", newCall())));
  expect(error).toContain(`Connection to ${baseURL} was refused (ECONNREFUSED)`);
});
