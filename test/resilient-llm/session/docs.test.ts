import { MongoClient } from "mongodb";
import { expect, inject, it, onTestFinished } from "vitest";
import { readProgram, runProgram } from "../testing/page-program.ts";
import * as replies from "../testing/replies.ts";
import { startServer, testKey } from "../testing/test-model.ts";

const page = new URL("../../../docs/sessions.md", import.meta.url);

it("the page's program runs as it stands, and its session is stored", async () => {
  const dbName = "agents_of_sessions";
  const server = await startServer(
    ...["Blue.", "Facts.", "Sum."].map((one) => replies.answer(one)),
  );
  const client = new MongoClient(inject("mongodbUri"));
  onTestFinished(async () => {
    await client.db(dbName).dropDatabase();
    await client.close();
  });
  // Another page's program has the same database, and its test may run beside this one.
  const program = await readProgram(page);
  const { output, errors } = await runProgram(
    program.replaceAll('"agents"', JSON.stringify(dbName)),
    {
      MONGODB_URI: inject("mongodbUri"),
      OPENAI_API_KEY: testKey,
      OPENAI_BASE_URL: server.baseURL,
    },
  );
  expect({ errors, output }).toEqual({ errors: "", output: "Blue.\nFacts. Sum.\n" });
  expect(server.requests.at(-1)?.body.messages.at(-1)?.content).toBe("In short: Facts.");
});
