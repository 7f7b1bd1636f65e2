/** The tests of the project `oldest` run on what is in the folder `test/oldest`, the saver too. */
import { HumanMessage } from "@langchain/core/messages";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { OLDEST } from "../oldest/resolve-oldest.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const require = createRequire(new URL("../oldest/package.json", import.meta.url));

/** Loads a file of a package in `test/oldest`, past what the test run makes of its name. */
async function load(name: string, file: string): Promise<Record<string, unknown>> {
  const path = join(dirname(require.resolve(`${name}/package.json`)), file);
  return (await import(/* @vite-ignore */ pathToFileURL(path).href)) as Record<string, unknown>;
}

it.each(Object.keys(OLDEST).filter((name) => /^\d/.test(OLDEST[name]!)))(
  "%s is installed in exactly the oldest version",
  (name) => {
    const manifest = readFileSync(require.resolve(`${name}/package.json`), "utf8");
    expect((JSON.parse(manifest) as { version: string }).version).toBe(OLDEST[name]);
  },
);

it("tests and saver share the classes of the oldest versions", async () => {
  const checkpoint = await load("@langchain/langgraph-checkpoint", "dist/index.js");
  expect(BaseCheckpointSaver).toBe(checkpoint["BaseCheckpointSaver"]);
  expect(Object.getPrototypeOf(MongoDBSaver)).toBe(BaseCheckpointSaver);
  expect(Object.getPrototypeOf(MemorySaver)).toBe(BaseCheckpointSaver);
  // The next version had it.
  expect(checkpoint).not.toHaveProperty("compareWritesSortKeys");

  const langgraph = await load("@langchain/langgraph", "dist/index.js");
  expect(StateGraph).toBe(langgraph["StateGraph"]);
  expect(MongoClient).toBe((require("mongodb") as Record<string, unknown>)["MongoClient"]);
});

it("messages that the saver gives back are those of the oldest core", async () => {
  const core = await load("@langchain/core", "dist/messages/index.js");
  expect(HumanMessage).toBe(core["HumanMessage"]);
  const compile = (checkpointer: MongoDBSaver) =>
    new StateGraph(MessagesAnnotation)
      .addNode("answer", () => ({ messages: [new HumanMessage("yes")] }))
      .addEdge(START, "answer")
      .compile({ checkpointer });
  const config = { configurable: { thread_id: "classes" } };
  await compile(database.openSaver()).invoke({ messages: [new HumanMessage("sure?")] }, config);
  const state = await compile(database.openSaverElsewhere()).getState(config);
  const { messages } = state.values as typeof MessagesAnnotation.State;
  expect(messages.map((message) => [message.text, message.constructor])).toEqual([
    ["sure?", HumanMessage],
    ["yes", HumanMessage],
  ]);
});
