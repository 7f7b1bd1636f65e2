import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";

/** Files that both packages have, so that their errors and their options follow one dialect. */
const SHARED = [
  "errors/invalid-options-error.ts",
  "errors/threadkeep-error.ts",
  "options/check-options.ts",
  "options/describe-schema.ts",
  "options/describe-value.ts",
  "options/find-nearest-name.ts",
  "options/list-problems.ts",
];

it.each(SHARED)("%s is the same text in both packages", async (path) => {
  const [checkpoint, llm] = await Promise.all(
    ["checkpoint-mongo", "resilient-llm"].map((name) =>
      readFile(new URL(`../../packages/${name}/src/${path}`, import.meta.url), "utf8"),
    ),
  );
  expect(checkpoint).toBe(llm);
});
