import { ResilientChatModel } from "@threadkeep/resilient-llm";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, inject, it, onTestFinished } from "vitest";
import { breakOffOnce, inPieces } from "../testing/continuing-server.ts";
import * as replies from "../testing/replies.ts";
import { startServer } from "../testing/test-model.ts";
import { collectStream } from "./collect-stream.ts";
import { useJournalDatabase } from "./journals.ts";

const WHOLE = "The sky is blue because the air scatters short waves of light more than long ones.";
const PIECES = 10;
const KEPT = WHOLE.slice(0, PIECES * 3);

const database = useJournalDatabase();
const fixture = fileURLToPath(new URL("terminated.fixture.ts", import.meta.url));

it.each([
  { mode: "does not listen", end: [null, "SIGTERM"] },
  { mode: "listens", end: [7, null] },
])(
  "SIGTERM stores what has come of an answer before a process ends that $mode",
  async ({ end, mode }) => {
    const server = await startServer(
      replies.stream(...inPieces(WHOLE).slice(0, PIECES), { hang: true }),
    );
    const threadId = `sigterm-${mode}`;
    const child = spawn(
      process.execPath,
      [
        "--conditions=@threadkeep/source",
        "--no-warnings",
        fixture,
        inject("mongodbUri"),
        database.dbName,
        server.baseURL,
        threadId,
        mode,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    onTestFinished(() => void child.kill("SIGKILL"));
    let text = "";
    child.stdout.setEncoding("utf8");
    while (text !== KEPT) text += String(await once(child.stdout, "data"));
    child.kill("SIGTERM");
    expect(await once(child, "close")).toEqual(end);

    const entry = await database.entries.findOne({ thread_id: threadId });
    expect(entry).toMatchObject({ kind: "emergency", pieces: [{ text: KEPT }] });
    // Nobody has to wait for the end of the lease, which would take a minute.
    const script = breakOffOnce(WHOLE, 0, "repeats the last words as asked");
    server.playScript(script);
    const model = new ResilientChatModel({
      models: ["m"],
      baseURL: server.baseURL,
      apiKey: "none",
      journal: database.open(),
    });
    const call = { configurable: { thread_id: threadId }, journal: { task: "answer" } };
    expect((await collectStream(model.stream("Why?", call))).whole.text).toBe(WHOLE);
  },
);
