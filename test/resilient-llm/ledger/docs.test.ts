import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { MongoClient } from "mongodb";
import { expect, inject, it, onTestFinished } from "vitest";
import * as replies from "../testing/replies.ts";
import { startServer, testKey } from "../testing/test-model.ts";

const page = new URL("../../../docs/ledger.md", import.meta.url);

/** From here the program's imports are resolved. */
const directory = fileURLToPath(new URL("../..", import.meta.url));

it("the page's program runs as it stands, and says what was booked", async () => {
  const [, program = ""] = /```ts\n([\s\S]*?)```/.exec(await readFile(page, "utf8")) ?? [];
  const dbName = `ledger_page_${process.pid}`;
  const server = await startServer(replies.answer("Good day."));
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
  node.stdin.end(program.replace('"agents"', JSON.stringify(dbName)));
  const [output, errors] = await Promise.all([text(node.stdout), text(node.stderr)]);
  expect({ errors, output }).toEqual({ errors: "", output: "ada 1 10 5\n" });
  const budgets = await client.db(dbName).collection("threadkeep_budgets").find().toArray();
  expect(budgets.map(({ _id }) => String(_id)).toSorted()).toEqual([
    "thread/ever/ledger-1",
    "user/day/ada",
  ]);
});
