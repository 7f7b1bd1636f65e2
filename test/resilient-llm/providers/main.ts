/** `pnpm providers-page`: writes `docs/providers.md` from the rows of the providers' tests. */
import { writeFile } from "node:fs/promises";
import { PAGE_URL } from "./page-url.ts";
import { renderPage } from "./render-page.ts";

await writeFile(PAGE_URL, renderPage());
console.log("docs/providers.md is up to date");
