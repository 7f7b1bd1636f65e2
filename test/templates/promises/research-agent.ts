import { researchScript } from "@threadkeep/examples/research-agent/research-script";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Random } from "../../checkpoint-mongo/differential/random.ts";
import { ScriptedModelServer } from "../../demo/model-server/scripted-model-server.ts";
import type { FindTemplate } from "./template-under-test.ts";

/** The answers of a run: a plan, a search and a note for each of three topics, a report. */
const ANSWERS = 8;
/** The provider takes so long for an answer. */
const ANSWER_MS = 40;
const KILLS = 3;
const SEED = 13;

/** The last line of a run. */
function readBill(output: string): string | undefined {
  return /^bill: .*$/m.exec(output)?.[0];
}

/** What the README of the template research-agent says. */
export function testResearchAgent(find: FindTemplate): void {
  describe("research-agent, copied alone and installed with npm", () => {
    it("that is killed at random has the report and the bill of an undisturbed run, and no answer that was journaled is asked for again", async () => {
      const { copy, db } = find();
      let requests = 0;
      let onRequest = (): void => undefined;
      const server = new ScriptedModelServer(
        (messages) => {
          requests += 1;
          onRequest();
          return researchScript(messages);
        },
        { firstTokenMs: ANSWER_MS },
      );
      const environment = { OPENAI_BASE_URL: await server.start(), OPENAI_API_KEY: "sk-of-a-test" };
      try {
        const undisturbed = await copy.node(["main.ts", "--thread", "undisturbed"], environment);
        expect(undisturbed).toMatchObject({ code: 0 });
        expect(undisturbed.output).toContain("panels cost a tenth");
        expect(readBill(undisturbed.output)).toContain(`bill: ${ANSWERS} answers`);
        expect(requests).toBe(ANSWERS);

        requests = 0;
        const thread = ["main.ts", "--thread", "killed"];
        const countJournaled = () =>
          db
            .collection("threadkeep_calls")
            .countDocuments({ thread_id: "killed", "answer.json": /^\{"text"/ });
        const random = new Random(SEED);
        let lost = 0;
        for (let kill = 0; kill < KILLS; kill += 1) {
          // One of the next requests, and a moment before, at or after its answer.
          let rest = random.between(1, 3);
          const afterMs = random.between(0, 2 * ANSWER_MS);
          const child = copy.startNode(thread, environment);
          onRequest = () => {
            rest -= 1;
            if (rest === 0) void sleep(afterMs).then(() => child.kill("SIGKILL"));
          };
          await child.ended;
          onRequest = () => undefined;
          // What was asked for and is not in the journal has to be asked for again.
          lost = requests - (await countJournaled());
        }
        const finished = await copy.node(thread, environment);
        expect(finished).toMatchObject({ code: 0 });
        expect(readBill(finished.output)).toBe(readBill(undisturbed.output));
        expect(finished.output).toContain("panels cost a tenth");
        expect(requests).toBe(ANSWERS + lost);
        expect(await countJournaled()).toBe(ANSWERS);
        expect(await db.collection("reports").countDocuments()).toBe(2);
      } finally {
        await server.stop();
      }
    });
  });
}
