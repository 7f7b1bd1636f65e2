import { describe, expect, it } from "vitest";
import { FAST, SLOW, type FindTemplate } from "./template-under-test.ts";

/** Where npx finds it. */
const THREADKEEP = "node_modules/@threadkeep/checkpoint-mongo/dist/esm/command-line/main.js";

/** What the README of the template time-travel says. */
export function testTimeTravel(find: FindTemplate): void {
  const start = (...args: string[]) => find().copy.node(["main.ts", ...args], FAST);
  const VIENNA = "By night train to Vienna, with a day for its museums.";
  const DANUBE = "By bicycle along the Danube, with a night at an inn.";
  const WAITS = "Is that a good trip? Answer with: run ANSWER";

  describe("time-travel, copied alone and installed with npm", () => {
    it("does what its README says, each command in a process of its own", async () => {
      const first = await start("run", "A weekend, please.");
      expect(first).toMatchObject({ code: 0, output: `suggest: ${VIENNA}\n${WAITS}\n` });
      expect((await start("label", "asked")).output).toContain('"asked" is checkpoint ');
      expect((await start("run", "no, not by train")).output).toContain(`suggest: ${DANUBE}`);

      expect((await start("fork", "asked", "second")).code).toBe(0);
      const second = await start("run", "yes", "--thread", "second");
      expect(second.output).toContain(`confirm: Confirmed: ${VIENNA}`);
      const { output: diff } = await start("diff", "second");
      expect(diff.split("\n")).toEqual([
        "messages:",
        "  - no, not by train",
        `  - ${DANUBE}`,
        "  + yes",
        `  + Confirmed: ${VIENNA}`,
        "",
      ]);

      expect((await start("rollback", "asked")).code).toBe(0);
      expect((await start("run", "yes")).output).toContain(`confirm: Confirmed: ${VIENNA}`);
      const { output: history } = await start("history");
      expect(history).toMatch(/fork/);
      expect(history).toContain('"asked"');
      expect((await start("undo")).code).toBe(0);
      expect((await start("run")).output).toContain(WAITS);
      expect((await start("run", "yes")).output).toContain(`confirm: Confirmed: ${DANUBE}`);
    });

    it("does the same from the command line, and goes on from what that did", async () => {
      const cli = (...args: string[]) =>
        find().copy.node([THREADKEEP, ...args], { THREADKEEP_DB: find().db.databaseName });
      await start("run", "--thread", "paris");
      const labelled = await cli("label", "paris", "asked");
      expect(labelled).toMatchObject({ code: 0, notices: "" });
      expect((await start("run", "no, not by train", "--thread", "paris")).output).toContain(
        DANUBE,
      );

      expect((await cli("copy", "paris", "berlin", "--from", "asked")).code).toBe(0);
      const forked = await start("run", "yes", "--thread", "berlin");
      expect(forked.output).toContain(`confirm: Confirmed: ${VIENNA}`);
      const { output: diff } = await cli("diff", "paris", "--with", "berlin");
      expect(diff).toContain("no, not by train");
      expect(diff).toContain(`Confirmed: ${VIENNA}`);

      expect((await cli("rollback", "paris", "--to", "asked", "--yes")).code).toBe(0);
      expect((await start("run", "yes", "--thread", "paris")).output).toContain(VIENNA);
      expect((await cli("rollback", "paris", "--undo")).code).toBe(0);
      expect((await start("run", "yes", "--thread", "paris")).output).toContain(
        `confirm: Confirmed: ${DANUBE}`,
      );
    });

    it("that is killed while it answers goes on, and can be rolled back then", async () => {
      const thread = ["--thread", "killed"];
      await start("run", "A weekend, please.", ...thread);
      await start("label", "asked", ...thread);
      const killed = await find().copy.nodeEnded(
        "SIGKILL",
        ["main.ts", "run", "no, not by train", ...thread],
        // The next suggestion is being made, ten words long.
        { text: "approve: no", ms: 300 },
        SLOW,
      );
      expect(killed.code).toBeNull();
      expect(killed.output).not.toContain("suggest:");
      const resumed = await start("run", ...thread);
      expect(resumed.notices).toContain("goes on with: suggest");
      expect(resumed.output).toBe(`suggest: ${DANUBE}\n${WAITS}\n`);
      const back = await start("rollback", "asked", "--discard", ...thread);
      expect(back.output).toContain("; 2 checkpoints discarded");
      expect((await start("run", ...thread)).output).toBe(`${WAITS}\n`);
      expect((await start("undo", ...thread)).code).toBe(0);
      expect((await start("run", "yes", ...thread)).output).toContain(`Confirmed: ${DANUBE}`);
    });

    it("says what to do where there is no such label, thread or command", async () => {
      const refused = await start("rollback", "nowhere");
      expect(refused).toMatchObject({ code: 1, output: "" });
      expect(refused.notices).toContain("no checkpoint and no label with this name");
      expect((await start("label", "x", "--thread", "nobody")).notices).toContain(
        "is not stored here",
      );
      expect((await start("travel")).notices).toContain("Which command, please?");
    });
  });
}
