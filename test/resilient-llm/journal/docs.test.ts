import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { MongoClient } from "mongodb";
import { expect, inject, it, onTestFinished } from "vitest";
import * as replies from "../testing/replies.ts";
import { startServer, testKey } from "../testing/test-model.ts";

const page = new URL("../../../docs/journal.md", import.meta.url);

/** From here the program's imports are resolved. */
const directory = fileURLToPath(new URL("../..", import.meta.url));

it("the page's program runs as it stands, and its answer is in the journal", async () => {
  const [, program] = /```ts\n([\s\S]*?)```/.exec(await readFile(page, "utf8")) ?? [];
  const server = await startServer(replies.answer("Good day."));
  const client = new MongoClient(inject("mongodbUri"));
  onTestFinished(async () => {
    await client.db("agents").dropDatabase();
    await client.close();
  });
  const node = spawn(
    process.execPath,
    ["--conditions=@threadkeep/source", "--no-warnings", "--input-type=module-typescript", "-"],
    {
      cwd: directory,
      env: {
        PATH: process.env["PATH"],
        MONGODB_URI: inject("mongodbUri"),
        OPENAI_API_KEY: testKey,
        OPENAI_BASE_URL: server.baseURL,
      },
    },
  );
  node.stdin.end(program);
  const [output, errors] = await Promise.all([text(node.stdout), text(node.stderr)]);
  expect({ errors, output }).toEqual({ errors: "", output: "Good day.\n" });
  const entries = await client.db("agents").collection("threadkeep_calls").find().toArray();
  expect(entries).toMatchObject([{ kind: "after_call", thread_id: "journal-1" }]);
});
