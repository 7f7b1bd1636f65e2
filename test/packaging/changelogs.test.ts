import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readChangelog } from "./changelog.ts";
import { PUBLISHED, workspace } from "./pack-workspace.ts";

const read = (...path: readonly string[]) => readFile(join(workspace, ...path), "utf8");

describe.each(PUBLISHED)("the changelog of %s", (name) => {
  const folder = `packages/${name}`;

  it("begins with the version in package.json and says what changed", async () => {
    const { version } = JSON.parse(await read(folder, "package.json")) as { version: string };
    const [newest] = readChangelog(await read(folder, "CHANGELOG.md"));
    expect(newest).toMatchObject({ version, text: expect.stringMatching(/\w/) as string });
  });

  it("has no version twice", async () => {
    const versions = readChangelog(await read(folder, "CHANGELOG.md")).map(
      ({ version }) => version,
    );
    expect(new Set(versions).size).toBe(versions.length);
  });

  it("is linked from the root's", async () => {
    expect(await read("CHANGELOG.md")).toContain(`(${folder}/CHANGELOG.md)`);
  });
});
