import { MongoClient } from "mongodb";
import { expect, inject, it, onTestFinished } from "vitest";
import { readProgram, runProgram } from "../testing/page-program.ts";
import * as replies from "../testing/replies.ts";
import { startServer, testKey } from "../testing/test-model.ts";

const page = new URL("../../../docs/journal.md", import.meta.url);

it("the page's program runs as it stands, and its answer is in the journal", async () => {
  const server = await startServer(replies.answer("Good day."));
  const client = new MongoClient(inject("mongodbUri"));
  onTestFinished(async () => {
    await client.db("agents").dropDatabase();
    await client.close();
  });
  const program = await readProgram(page);
  const { output, errors } = await runProgram(program, {
    MONGODB_URI: inject("mongodbUri"),
    OPENAI_API_KEY: testKey,
    OPENAI_BASE_URL: server.baseURL,
  });
  expect({ errors, output }).toEqual({ errors: "", output: "Good day.\n" });
  const entries = await client.db("agents").collection("threadkeep_calls").find().toArray();
  expect(entries).toMatchObject([{ kind: "after_call", thread_id: "journal-1" }]);
});
