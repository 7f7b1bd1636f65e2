/** What a project writes whose models have a keeper, in both builds of the package. Ends the keeper in the end. */
import * as esm from "@threadkeep/resilient-llm";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const cjs = createRequire(import.meta.url)("@threadkeep/resilient-llm") as typeof esm;
const [, , baseURL, folder = ""] = process.argv;

const texts: string[] = [];
const failures: string[] = [];
for (const build of [esm, cjs]) {
  const model = new build.ResilientChatModel({
    models: ["scripted"],
    baseURL,
    apiKey: "none",
    journal: { store: new build.InMemoryCallJournal(), keeper: { folder } },
    onEvent: (event) => event.type === "keeper-failed" && failures.push(String(event.error)),
  });
  const call = { configurable: { thread_id: "packed" }, journal: { task: "one" } };
  texts.push((await model.invoke("Are you there?", call)).text);
}
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
for (const name of files) {
  const { pid } = JSON.parse(readFileSync(join(folder, name), "utf8")) as { pid: number };
  process.kill(pid);
}
console.log(JSON.stringify({ texts, failures, keepers: files.length }));
