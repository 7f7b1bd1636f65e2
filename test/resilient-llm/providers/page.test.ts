import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { PAGE_URL } from "./page-url.ts";
import { renderPage } from "./render-page.ts";

it("docs/providers.md says what the rows say (pnpm providers-page writes it)", async () => {
  expect(await readFile(PAGE_URL, "utf8")).toBe(renderPage());
});
