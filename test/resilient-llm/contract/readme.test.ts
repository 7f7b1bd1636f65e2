import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { readProgram, runProgram } from "../testing/page-program.ts";
import * as replies from "../testing/replies.ts";
import { startServer, testKey } from "../testing/test-model.ts";

const readme = new URL("../../../packages/resilient-llm/README.md", import.meta.url);

it("the README's first program runs as it stands", async () => {
  const server = await startServer(
    replies.error(503),
    replies.streamText("Because of Rayleigh scattering."),
  );
  const program = await readProgram(readme);
  const { output, errors } = await runProgram(program, {
    OPENAI_API_KEY: testKey,
    OPENAI_BASE_URL: server.baseURL,
  });
  expect(output).toContain("Because of Rayleigh scattering.");
  expect(output).toContain("gpt-4.1-mini");
  expect(errors).toMatch(/^retry in \d+/);
  expect(server.requests.map(({ model }) => model)).toEqual(["gpt-4.1-mini", "gpt-4.1-mini"]);
});

it("the README's links are absolute, so that they work on a registry's page", async () => {
  const links = [...(await readFile(readme, "utf8")).matchAll(/\]\(([^)]+)\)/g)].map(
    ([, link]) => link!,
  );
  expect(links.length).toBeGreaterThan(3);
  expect(links.filter((link) => !/^(?:https:\/\/|#)/.test(link))).toEqual([]);
});
