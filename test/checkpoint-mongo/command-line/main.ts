/** Writes the help into `docs/command-line.md`. */
import { writeFile } from "node:fs/promises";
import { makePage, PAGE } from "./page.ts";

await writeFile(PAGE, (await makePage()).should);
