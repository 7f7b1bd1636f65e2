/**
 * Runs a template where it is, with the packages of this workspace, on a MongoDB that is found or
 * started as for the tests. A started one ends with this process.
 *
 *     node --conditions=@threadkeep/source test/templates/run-template.ts TEMPLATE [ARGUMENTS]
 */
import { startMongoDB } from "@threadkeep/local-mongodb";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { templateFolder, TEMPLATES } from "./template-folder.ts";

const [name, ...args] = process.argv.slice(2);
const template = TEMPLATES.find((known) => known === name);
if (template === undefined) {
  console.error(
    `There is no template ${JSON.stringify(name)}. There are: ${TEMPLATES.join(", ")}.`,
  );
  process.exit(2);
}

await using mongodb = await startMongoDB();
if (mongodb.pid !== undefined)
  console.error("· what is stored goes with it; set MONGODB_URI to keep it");
process.env["MONGODB_URI"] = mongodb.uri;
process.argv.splice(2, Infinity, ...args);
await import(pathToFileURL(join(templateFolder(template), "main.ts")).href);
