import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import * as replies from "../testing/replies.ts";
import { startServer, testKey } from "../testing/test-model.ts";

const readme = new URL("../../../packages/resilient-llm/README.md", import.meta.url);

/** From here the program's imports are resolved. */
const directory = fileURLToPath(new URL("../..", import.meta.url));

it("the README's first program runs as it stands", async () => {
  const [, program] = /```ts\n([\s\S]*?)```/.exec(await readFile(readme, "utf8")) ?? [];
  const server = await startServer(
    replies.error(503),
    replies.streamText("Because of Rayleigh scattering."),
  );
  const node = spawn(
    process.execPath,
    ["--conditions=@threadkeep/source", "--input-type=module-typescript", "-"],
    {
      cwd: directory,
      env: { PATH: process.env["PATH"], OPENAI_API_KEY: testKey, OPENAI_BASE_URL: server.baseURL },
    },
  );
  node.stdin.end(program);
  const [output, errors] = await Promise.all([text(node.stdout), text(node.stderr)]);
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
