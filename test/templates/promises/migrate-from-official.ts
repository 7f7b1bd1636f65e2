import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { templateFolder } from "../template-folder.ts";
import { FAST, type FindTemplate } from "./template-under-test.ts";

/** What the README of the move from the official saver says. */
export function testMigrateFromOfficial(find: FindTemplate): void {
  describe.concurrent("migrate-from-official, copied alone and installed with npm", () => {
    it("begins a report with the official package and finishes it with ours by npm start", async () => {
      const { code, output } = await find().copy.npm(["start", "--silent"], FAST);
      expect(code).toBe(0);
      expect(headings(output)).toEqual([
        'with official: report "report" begins',
        "1 of 4: Beginnings",
        "2 of 4: How it works",
        "stopped; in the store: section 1, section 2",
        'with threadkeep: report "report" continues after section 2',
        "3 of 4: What it costs",
        "4 of 4: What comes next",
        "complete; in the store: section 1, section 2, section 3, section 4",
      ]);
    });

    it("that is killed with the official package in mid-section continues with ours where it was", async () => {
      const thread = ["--thread", "killed"];
      const killed = await find().copy.nodeEnded(
        "SIGKILL",
        ["main.ts", "official", ...thread],
        // The third section is being written, 19 words long.
        { text: "2 of 4", ms: 1_500 },
        { SCRIPTED_WORD_MS: "150" },
      );
      expect(killed.code).toBeNull();
      expect(killed.output).not.toContain("3 of 4");
      const official = await readOfficial();
      expect(official.length).toBeGreaterThan(0);

      const resumed = await find().copy.node(["main.ts", "threadkeep", ...thread], FAST);
      expect(headings(resumed.output)).toEqual([
        'with threadkeep: report "killed" continues after section 2',
        "3 of 4: What it costs",
        "4 of 4: What comes next",
        "complete; in the store: section 1, section 2, section 3, section 4",
      ]);
      // What the official saver stored is as it was.
      expect(await readOfficial()).toEqual(official);
    });

    it("changes nothing but imports between the two", async () => {
      const [official, ours] = await Promise.all(
        ["official", "threadkeep"].map(async (name) => {
          const path = join(templateFolder("migrate-from-official"), `storage-${name}.ts`);
          const lines = (await readFile(path, "utf8")).split("\n");
          const isImport = (line: string) =>
            /^import \{.*\} from "@(langchain|threadkeep)\//.test(line);
          return { imports: lines.filter(isImport), rest: lines.filter((line) => !isImport(line)) };
        }),
      );
      expect(ours!.rest).toEqual(official!.rest);
      expect(ours!.imports).not.toEqual(official!.imports);
    });

    function readOfficial() {
      return find().db.collection("checkpoints").find({ thread_id: "killed" }).toArray();
    }
  });
}

function headings(output: string): string[] {
  return output.split("\n").filter((line) => /^(with|\d of|stopped|complete)/.test(line));
}
