import { ARTICLE } from "@threadkeep/examples/streaming-resume/article-script";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FAST, type FindTemplate } from "./template-under-test.ts";

/** Slow enough to be killed in mid-stream, with some fifty words before. */
const STEADY = { SCRIPTED_WORD_MS: "15" };

/** What the README of the template streaming-resume says. */
export function testStreamingResume(find: FindTemplate): void {
  describe("streaming-resume, copied alone and installed with npm", () => {
    it("that is killed in mid-stream goes on in another process, word for word to the reader", async () => {
      const { copy, db } = find();
      const thread = ["main.ts", "--thread", "killed"];
      const read = () => readFile(join(copy.directory, "killed.txt"), "utf8");
      const killed = await copy.nodeEnded("SIGKILL", thread, { text: "climb the", ms: 60 }, STEADY);
      expect(killed.code).toBeNull();
      const before = await read();
      expect(ARTICLE.startsWith(before)).toBe(true);
      expect(before.length).toBeGreaterThan(150);
      expect(before.length).toBeLessThan(ARTICLE.length / 2);

      const resumed = await copy.node(thread, FAST);
      expect(resumed).toMatchObject({ code: 0 });
      expect(resumed.notices).toMatch(/· \d+ characters were kept; the rest is asked for/);
      expect(await read()).toBe(ARTICLE);
      expect(resumed.output).toBe(`${ARTICLE.slice(before.length)}\n`);
      const entries = db.collection("threadkeep_calls");
      expect(await entries.countDocuments({ thread_id: "killed" })).toBe(1);

      // Once more: the article is there, and the reader has it.
      const again = await copy.node(thread, FAST);
      expect(again).toMatchObject({ code: 0, output: "\n" });
      expect(await read()).toBe(ARTICLE);
    });
  });
}
