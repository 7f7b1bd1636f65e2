import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { afterAll, describe, expect, inject, it } from "vitest";

const mongodbUri = inject("mongodbUri");
const client = new MongoClient(mongodbUri);
const database = temporaryDatabase(client);

afterAll(async () => {
  await database.drop();
  await client.close();
});

describe.concurrent("the resilient chat, without a key", () => {
  it("falls back while the first model is down, and in a new process knows what was said before", async () => {
    const first = await runChat(["--thread", "one", "--message", "My name is Ada."]);
    expect(first.answer).toContain('You said: "My name is Ada."');
    expect(first.notices).toContain("answered with status 503");
    expect(first.notices).toContain("falling back to scripted-small");
    expect(first.answer).toMatch(/^scripted-small +0 +1 +\d+ +0 +\d+ +0\.0000\d\d$/m);
    expect(first.code).toBe(0);

    const second = await runChat(["--thread", "one", "--message", "What did I say?"]);
    expect(second.answer).toContain("That is message 2");
    expect(second.answer).toContain('it began with "My name is Ada."');
  });

  it("says what a budget kept it from doing, prints the bill and exits with 1", async () => {
    const { answer, notices, code } = await runChat(["--message", "Hello", "--budget", "0.0001"]);
    expect(notices).toContain("No answer, to keep to the budget of $0.0001.");
    expect(notices).toContain("Start again with a higher --budget");
    expect(answer).toMatch(/^total +0 +0 +0 +0 +0 +0\.000000$/m);
    expect(code).toBe(1);
  });

  it("answers each typed line in one conversation, and prints the bill on Ctrl-C", async () => {
    const { answer, code } = await runChat(["--thread", "two"], {
      typed: "Good morning.\nAnd good night.\n",
      interruptAt: "That is message 2",
    });
    expect(answer).toContain('You said: "Good morning."');
    expect(answer).toMatch(/^total +2 /m);
    expect(code).toBe(130);
  });
});

interface ChatRun {
  /** What came on standard output: answers and the bill. */
  answer: string;
  /** What came on standard error. */
  notices: string;
  code: number | null;
}

interface Typing {
  typed: string;
  /** Ctrl-C comes when this is on standard output. */
  interruptAt: string;
}

/** Runs the chat in a process of its own, with no key in its environment. */
async function runChat(args: readonly string[], typing?: Typing): Promise<ChatRun> {
  const { OPENAI_API_KEY: _, OPENAI_BASE_URL: __, HOLYSHEEP_API_KEY: ___, ...rest } = process.env;
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const chat = spawn(process.execPath, ["--conditions=@threadkeep/source", main, ...args], {
    env: { ...rest, MONGODB_URI: mongodbUri, MONGODB_DB: database.name },
    // One that never comes to its end mustn't outlive the test.
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  const run: ChatRun = { answer: "", notices: "", code: null };
  chat.stderr.setEncoding("utf8").on("data", (part: string) => (run.notices += part));
  chat.stdout.setEncoding("utf8").on("data", (part: string) => {
    const begun = run.answer.includes(typing?.interruptAt ?? "");
    run.answer += part;
    if (typing && !begun && run.answer.includes(typing.interruptAt)) chat.kill("SIGINT");
  });
  // The input stays open, as a terminal's does: its end would end the chat as well.
  if (typing) chat.stdin.write(typing.typed);
  [run.code] = (await once(chat, "close")) as [number | null];
  return run;
}
