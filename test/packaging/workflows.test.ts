/** The workflows run elsewhere and seldom, so what they name is looked for here. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PNPM } from "../../scripts/bootstrap.mjs";
import { workspace } from "./pack-workspace.ts";

const WORKFLOWS = ".github/workflows";

/** Commands of pnpm itself. */
const BUILT_IN = new Set(["install", "--recursive"]);

const { scripts } = JSON.parse(readFileSync(join(workspace, "package.json"), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
};

function findAll(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1]!);
}

describe.each(readdirSync(join(workspace, WORKFLOWS)))("%s", (file) => {
  const text = readFileSync(join(workspace, WORKFLOWS, file), "utf8");

  it("runs scripts that package.json has", () => {
    const commands = [
      ...findAll(text, /npx --yes pnpm@\S+ (\S+)/g),
      ...findAll(text, /npm run (\S+)/g),
    ];
    const unknown = commands.filter((name) => !(name in scripts) && !BUILT_IN.has(name));
    expect(unknown).toEqual([]);
  });

  it("names files that are there", () => {
    const named = findAll(text, /(?<=[\s'])((?:scripts|test|packages|\.ci)\/[\w./-]*\w)/g);
    expect(named.filter((path) => !existsSync(join(workspace, path)))).toEqual([]);
  });

  it("takes the same pnpm as everything else", () => {
    const named = findAll(text, /\b(pnpm@[\d.]+)/g);
    expect(named.filter((name) => name !== PNPM)).toEqual([]);
  });

  it("pins every action to a version", () => {
    const actions = findAll(text, /uses: (\S+)/g);
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => !/@v\d/.test(action))).toEqual([]);
  });

  it("may only read, unless a job says otherwise", () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n(?! )/m);
  });
});
