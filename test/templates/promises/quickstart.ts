import { describe, expect, it } from "vitest";
import type { FindTemplate } from "./template-under-test.ts";

/** What the quickstart's README says. */
export function testQuickstart(find: FindTemplate): void {
  describe.concurrent("quickstart, copied alone and installed with npm", () => {
    it("makes its three steps by npm start, and none of them twice", async () => {
      const first = await find().copy.npm(["start", "--silent"]);
      expect(first).toMatchObject({ code: 0 });
      expect(stepsOf(first.output)).toEqual(["plan", "write", "review"]);
      const second = await find().copy.npm(["start", "--silent"]);
      expect(second).toMatchObject({ code: 0, output: "is complete\n" });
    });

    it("that is killed after a step continues with the next one", async () => {
      const killed = await find().copy.nodeEnded(
        "SIGKILL",
        ["main.ts", "killed"],
        { text: "plan: ", ms: 300 },
        {},
      );
      expect(killed.code).toBeNull();
      expect(stepsOf(killed.output)).toEqual(["plan"]);
      const resumed = await find().copy.node(["main.ts", "killed"]);
      expect(resumed.output).toMatch(/^continues with: write\n/);
      expect(stepsOf(resumed.output)).toEqual(["write", "review"]);
    });
  });
}

function stepsOf(output: string): string[] {
  return [...output.matchAll(/^(plan|write|review): ./gm)].map(([, step]) => step ?? "");
}
