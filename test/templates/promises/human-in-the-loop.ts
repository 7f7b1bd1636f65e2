import { describe, expect, it } from "vitest";
import { FAST, type FindTemplate } from "./template-under-test.ts";

/** What the README of the template human-in-the-loop says. */
export function testHumanInTheLoop(find: FindTemplate): void {
  const start = (...args: string[]) => find().copy.node(["main.ts", ...args], FAST);
  const published = () => find().db.collection("published").find().toArray();

  describe("human-in-the-loop, copied alone and installed with npm", () => {
    it("does what its README says, each command in a process of its own", async () => {
      const announced = await start("announce", "tea", "free", "tea");
      expect(announced).toMatchObject({ code: 0, output: "tea: queued\n" });
      const asked = await start("work", "--once");
      expect(asked.output).toMatch(
        /tea: waits for an answer until \S+: We are happy to announce: free tea\./,
      );
      expect((await start("answer", "tea", "no, shorter")).output).toContain("a worker goes on");
      await start("work", "--once");
      expect((await start("list")).output).toContain("News in short: free tea.");
      await start("answer", "tea", "yes");
      const patient = await start("work", "--once", "--hold-back-ms", "60000");
      expect(patient.output).toContain("tea: held back until ");
      expect(await published()).toEqual([]);
      // Whoever is quick enough can still cancel it.
      expect((await start("cancel", "tea")).output).toBe("tea: cancelled\n");
    });

    it("reminds the editor, publishes once what was approved, and gives up what nobody answers", async () => {
      await start("announce", "cake", "cake");
      await start("announce", "silence", "silence");
      await start("work", "--once");
      await start("answer", "cake", "yes");
      const { output } = await start(
        "work",
        "--once",
        "--patience-ms",
        "200",
        "--hold-back-ms",
        "100",
      );
      expect(output).toContain("cake: published: We are happy to announce: cake.");
      expect(output).not.toContain("silence: reminder 1");
      expect(await published()).toMatchObject([{ _id: "cake" }]);
      await start("answer", "silence", "no, louder");
      const impatient = await start("work", "--once", "--patience-ms", "200");
      expect(impatient.output).toContain("silence: reminder 1: may this be published?");
      expect(impatient.output).toContain("silence: reminder 2");
      expect(impatient.output).toMatch(/silence: done\n$/);
      expect(await published()).toHaveLength(1);
      const refused = await start("answer", "silence", "yes");
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.notices).toContain("Only a run that waits can be answered.");
    });
  });
}
