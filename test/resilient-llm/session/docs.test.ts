import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { MongoClient } from "mongodb";
import { expect, inject, it, onTestFinished } from "vitest";
import * as replies from "../testing/replies.ts";
import { startServer, testKey } from "../testing/test-model.ts";

const page = new URL("../../../docs/sessions.md", import.meta.url);

/** From here the program's imports are resolved. */
const directory = fileURLToPath(new URL("../..", import.meta.url));

it("the page's program runs as it stands, and its session is stored", async () => {
  const [, program] = /```ts\n([\s\S]*?)```/.exec(await readFile(page, "utf8")) ?? [];
  const dbName = "agents_of_sessions";
  const server = await startServer(
    ...["Blue.", "Facts.", "Sum."].map((one) => replies.answer(one)),
  );
  const client = new MongoClient(inject("mongodbUri"));
  onTestFinished(async () => {
    await client.db(dbName).dropDatabase();
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
  // Another page's program has the same database, and its test may run beside this one.
  node.stdin.end(program?.replaceAll('"agents"', JSON.stringify(dbName)));
  const [output, errors] = await Promise.all([text(node.stdout), text(node.stderr)]);
  expect({ errors, output }).toEqual({ errors: "", output: "Blue.\nFacts. Sum.\n" });
  expect(server.requests.at(-1)?.body.messages.at(-1)?.content).toBe("In short: Facts.");
});
