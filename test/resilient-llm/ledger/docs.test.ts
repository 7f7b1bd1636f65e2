import { MongoClient } from "mongodb";
import { expect, inject, it, onTestFinished } from "vitest";
import { readProgram, runProgram } from "../testing/page-program.ts";
import * as replies from "../testing/replies.ts";
import { startServer, testKey } from "../testing/test-model.ts";

const page = new URL("../../../docs/ledger.md", import.meta.url);

it("the page's program runs as it stands, and says what was booked", async () => {
  const dbName = `ledger_page_${process.pid}`;
  const server = await startServer(replies.answer("Good day."));
  const client = new MongoClient(inject("mongodbUri"));
  onTestFinished(async () => {
    await client.db(dbName).dropDatabase();
    await client.close();
  });
  const program = await readProgram(page);
  const { output, errors } = await runProgram(program.replace('"agents"', JSON.stringify(dbName)), {
    MONGODB_URI: inject("mongodbUri"),
    OPENAI_API_KEY: testKey,
    OPENAI_BASE_URL: server.baseURL,
  });
  expect({ errors, output }).toEqual({ errors: "", output: "ada 1 10 5\n" });
  const budgets = await client.db(dbName).collection("threadkeep_budgets").find().toArray();
  expect(budgets.map(({ _id }) => String(_id)).toSorted()).toEqual([
    "thread/ever/ledger-1",
    "user/day/ada",
  ]);
});
