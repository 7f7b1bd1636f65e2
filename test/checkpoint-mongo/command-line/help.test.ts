import { describe, expect, it, vi } from "vitest";
import { listCommands, makePage, readHelp } from "./page.ts";
import { runPiped } from "./run-threadkeep.ts";

vi.setConfig({ testTimeout: 180_000 });

describe("the help", () => {
  it("is what docs/command-line.md shows; pnpm command-line-page writes it there", async () => {
    const { is, should } = await makePage();
    expect(is).toBe(should);
  });

  it("of each command has examples, and these are command lines that it takes", async () => {
    const commands = listCommands(await readHelp([])).filter((name) => name !== "help");
    expect(commands.length).toBeGreaterThan(10);
    const refused: string[] = [];
    for (const command of commands) {
      const help = await readHelp([command]);
      const examples = Array.from(
        help.matchAll(/^ {2}\$ threadkeep (.+?)(?: {2,}.*)?$/gm),
        ([, typed]) => typed!,
      );
      if (examples.length === 0) refused.push(`${command} has no examples`);
      for (const typed of examples) {
        const words = typed.split(/ [|<>]+ /)[0]!.split(" ");
        // Nothing can be connected to, and no example names a connection string.
        const { exitCode, stderr } = await runPiped(words, {});
        const isTaken = exitCode === 0 || /no connection string|cannot be loaded/.test(stderr);
        if (!isTaken) refused.push(`${typed}: ${stderr}`);
      }
    }
    expect(refused).toEqual([]);
  });
});
