import { describe, expect, it } from "vitest";
import { FAST, SLOW, type FindTemplate } from "./template-under-test.ts";

/** What the demo's README says. */
export function testDemo(find: FindTemplate): void {
  describe.concurrent("demo, copied alone and installed with npm", () => {
    it("takes a page, repairs what is wrong and publishes a report by npm start", async () => {
      const run = await find().copy.npm(["start", "--silent"], FAST);
      expect(run).toMatchObject({ code: 0 });
      const { output } = run;
      expect(tasksOf(output).toSorted()).toEqual(
        [
          "analyse database",
          "analyse deployments",
          "analyse logs",
          "analyse metrics",
          "announce",
          "collect",
          "correlate",
          "open_incident",
          "publish",
          "remediate",
          "remediate › model_request",
          "remediate › model_request",
          "remediate › model_request",
          "remediate › tools",
          "remediate › tools",
          "triage",
          "write_report",
        ].toSorted(),
      );
      expect(output).toMatch(/^Cause {6}Release v342 prices carts one item at a time/m);
      expect(output).toMatch(/^roll_back: checkout-api is back on v341, 100 % of traffic$/m);
    });

    it("that is killed among its parallel analysts continues with those that had not finished", async () => {
      const thread = ["main.ts", "--thread", "analysts"];
      const killed = await find().copy.nodeEnded(
        "SIGKILL",
        thread,
        // The analyst with the fewest words is done, and the others are not.
        { text: "✓ analyse deployments", ms: 300 },
        SLOW,
      );
      expect(killed.code).toBeNull();
      expect(killed.output).not.toContain("✓ analyse database");
      const resumed = await find().copy.node(thread, FAST);
      expect(resumed).toMatchObject({ code: 0 });
      expect(resumed.output).toContain("analysts was cut off; going on with: analyse");
      expect(resumed.output).toContain("✓ analyse deployments (done before)");
      expect(tasksOf(resumed.output)).not.toContain("triage");
      expect(tasksOf(resumed.output)).toContain("analyse database");
      await expectEachActionOnce("analysts");
    });

    it("that is killed in its subgraph, after the rollback, rolls nothing back again", async () => {
      const thread = ["main.ts", "--thread", "subgraph"];
      const killed = await find().copy.nodeEnded(
        "SIGKILL",
        thread,
        { text: "✓ remediate › tools", ms: 200 },
        { SCRIPTED_WORD_MS: "100" },
      );
      expect(killed.code).toBeNull();
      const resumed = await find().copy.node(thread, FAST);
      expect(resumed).toMatchObject({ code: 0 });
      expect(resumed.output).toContain("subgraph was cut off; going on with: remediate");
      // On a busy machine the signal may come within the next action, which is then ordered once more.
      await expectEachActionOnce("subgraph", "check_recovery");
    });

    async function expectEachActionOnce(threadId: string, cutOff?: string): Promise<void> {
      const orders = await find().db.collection("orders").find({ thread_id: threadId }).toArray();
      expect(orders.map(({ action }) => action as string)).toEqual([
        "open_incident",
        "post_update",
        "roll_back",
        "check_recovery",
        "publish_report",
      ]);
      const repeated = orders
        .filter(({ given }) => given !== 1)
        .map(({ action }) => action as string);
      expect(repeated.filter((action) => action !== cutOff)).toEqual([]);
    }
  });
}

function tasksOf(output: string): string[] {
  return [...output.matchAll(/^✓ (.+)$/gm)].map(([, task]) => task ?? "");
}
