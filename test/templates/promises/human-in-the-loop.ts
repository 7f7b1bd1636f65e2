import { describe, expect, it } from "vitest";
import { FAST, type FindTemplate } from "./template-under-test.ts";

/** What the README of the template human-in-the-loop says. */
export function testHumanInTheLoop(find: FindTemplate): void {
  const start = (...args: string[]) => find().copy.node(["main.ts", ...args], FAST);

  describe("human-in-the-loop, copied alone and installed with npm", () => {
    it("asks, reminds, publishes once what was approved and gives up what nobody answers, each command in a process of its own", async () => {
      const announced = await start("announce", "tea", "free", "tea");
      expect(announced).toMatchObject({ code: 0, output: "tea: queued\n" });
      await start("announce", "silence", "silence");
      const asked = await start("work", "--once");
      expect(asked.output).toMatch(
        /tea: waits for an answer until \S+: We are happy to announce: free tea\./,
      );
      expect((await start("answer", "tea", "yes")).output).toContain("a worker goes on");
      await start("answer", "silence", "no, louder");
      const quick = ["--patience-ms", "200", "--hold-back-ms", "100"];
      const { output } = await start("work", "--once", ...quick);
      expect(output).toContain("tea: held back until ");
      expect(output).toContain("tea: published: We are happy to announce: free tea.");
      expect(output).toContain(
        "silence: reminder 1: may this be published? News in short: silence.",
      );
      expect(output).toContain("silence: reminder 2");
      expect((await start("list")).output).toBe("silence: done\ntea: done\n");
      const published = await find().db.collection("published").find().toArray();
      expect(published).toEqual([{ _id: "tea", text: "We are happy to announce: free tea." }]);
      const refused = await start("answer", "silence", "yes");
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.notices).toContain("Only a run that waits can be answered.");
    });
  });
}
