import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, expect, inject, it } from "vitest";
import { startServer } from "../testing/test-model.ts";
import { type SessionEnd, type SessionOrder, WORDS } from "./session-order.ts";
import { expectAnswer, readAsked, talk } from "./talking-provider.ts";

const client = new MongoClient(inject("mongodbUri"));
const database = temporaryDatabase(client);

afterAll(async () => {
  await database.drop();
  await client.close();
});

/** Words of the provider, over all processes of a session, at which one of them is killed. */
const KILLED_AT = [12, 95, 150] as const;
const QUESTIONS = ["Why is the sky blue?", "And the sea?"];

/** Runs a process until it ends. `undefined`: it was killed. */
async function runProcess(
  order: SessionOrder,
  onKill: (kill: () => void) => void,
): Promise<SessionEnd | undefined> {
  const child = fork(fileURLToPath(new URL("session-process.ts", import.meta.url)), {
    execArgv: ["--conditions=@threadkeep/source", "--no-warnings"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  onKill(() => child.kill("SIGKILL"));
  let end: SessionEnd | undefined;
  child.on("message", (message: SessionEnd) => {
    end = message;
  });
  child.send(order);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  if (signal === "SIGKILL") return undefined;
  expect(code).toBe(0);
  return end;
}

/** The questions whose answers are in the journal. */
async function listJournaled(): Promise<string[]> {
  const entries = await client
    .db(database.name)
    .collection<{ answer: { json: string } }>("threadkeep_calls")
    .find({ kind: "after_call" })
    .toArray();
  return entries.map(({ answer }) => {
    const { text } = JSON.parse(answer.json) as { readonly text: string };
    return text.slice(0, text.indexOf(" "));
  });
}

it("a session that is killed between and during answers ends as an undisturbed one, and asks for no answer again that was journaled", async () => {
  let words = 0;
  let kill = (): void => undefined;
  const killAt: number[] = [...KILLED_AT];
  const server = await startServer();
  server.playScript(
    talk({ pauseMs: 2, words: WORDS }, () => {
      words += 1;
      if (words !== killAt[0]) return;
      killAt.shift();
      kill();
    }),
  );
  const order: SessionOrder = {
    uri: inject("mongodbUri"),
    dbName: database.name,
    baseURL: server.baseURL,
    sessionId: "killed",
    questions: QUESTIONS,
  };
  let end: SessionEnd | undefined;
  let kills = 0;
  let continued = 0;
  const journaledAt = new Map<string, number>();
  while (end === undefined) {
    end = await runProcess(order, (killIt) => {
      kill = killIt;
    });
    if (end === undefined) kills += 1;
    for (const question of await listJournaled()) {
      if (!journaledAt.has(question)) journaledAt.set(question, server.requests.length);
    }
  }
  const all = [...QUESTIONS, ...QUESTIONS.map((question) => `again ${question}`)];
  expect(end.texts).toEqual(all.flatMap((one) => [one, expectAnswer(one, WORDS)]));
  expect(end.results).toEqual(
    QUESTIONS.map((question) => expectAnswer(`again ${question}`, WORDS).length),
  );
  expect(kills).toBe(KILLED_AT.length);
  for (const [index, request] of server.requests.entries()) {
    const { partial, question } = readAsked(request);
    if (partial !== undefined) continued += 1;
    const journaled = journaledAt.get(question.replaceAll(" ", "-"));
    expect(index).toBeLessThan(journaled ?? Infinity);
  }
  expect(continued).toBeGreaterThan(0);
}, 120_000);
