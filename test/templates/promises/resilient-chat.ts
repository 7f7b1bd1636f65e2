import { describe, expect, it } from "vitest";
import { FAST, SLOW, type FindTemplate } from "./template-under-test.ts";

/** What the resilient chat's README says. */
export function testResilientChat(find: FindTemplate): void {
  const chat = (...args: string[]) => find().copy.npm(["start", "--silent", "--", ...args], FAST);

  describe.concurrent("resilient-chat, copied alone and installed with npm", () => {
    it("falls back while the first model is down, and in a new process knows what was said before", async () => {
      const first = await chat("--thread", "one", "--message", "My name is Ada.");
      expect(first.output).toContain('You said: "My name is Ada."');
      expect(first.notices).toContain("answered with status 503");
      expect(first.notices).toContain("falling back to scripted-small");
      expect(first.output).toMatch(/^scripted-small +0 +1 +\d+ +0 +\d+ +0\.0000\d\d$/m);
      expect(first.code).toBe(0);

      const second = await chat("--thread", "one", "--message", "What did I say?");
      expect(second.output).toContain("That is message 2");
      expect(second.output).toContain('it began with "My name is Ada."');
    });

    it("says what a budget kept it from doing, prints the bill and exits with 1", async () => {
      const { output, notices, code } = await chat("--message", "Hello", "--budget", "0.0001");
      expect(notices).toContain("No answer, to keep to the budget of $0.0001.");
      expect(notices).toContain("Start again with a higher --budget");
      expect(output).toMatch(/^total +0 +0 +0 +0 +0 +0\.000000$/m);
      expect(code).toBe(1);
    });

    it("answers each typed line in one conversation, and prints the bill on Ctrl-C", async () => {
      const { output, code } = await find().copy.nodeEnded(
        "SIGINT",
        ["main.ts", "--thread", "two"],
        { text: "That is message 2", ms: 0 },
        FAST,
        "Good morning.\nAnd good night.\n",
      );
      expect(output).toContain('You said: "Good morning."');
      expect(output).toMatch(/^total +2 /m);
      expect(code).toBe(130);
    });

    it("that is killed in mid-answer answers when it is started again", async () => {
      const killed = await find().copy.nodeEnded(
        "SIGKILL",
        ["main.ts", "--thread", "killed", "--message", "My name is Grace."],
        { text: "You said:", ms: 0 },
        SLOW,
      );
      expect(killed.code).toBeNull();
      expect(killed.output).not.toContain("a model would answer");
      const resumed = await chat("--thread", "killed");
      expect(resumed.notices).toContain("this conversation was cut off; here is the answer");
      expect(resumed.output).toContain('You said: "My name is Grace."');
      expect(resumed.output).toContain("a model would answer");
      expect(resumed.code).toBe(0);
    });
  });
}
