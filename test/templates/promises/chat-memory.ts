import { describe, expect, it } from "vitest";
import { FAST, SLOW, type FindTemplate } from "./template-under-test.ts";

/** What the README of the chat with memory says. */
export function testChatMemory(find: FindTemplate): void {
  const say = (user: string, thread: string, message: string) =>
    find().copy.npm(
      ["start", "--silent", "--", "--user", user, "--thread", thread, "--message", message],
      FAST,
    );
  const goOn = (user: string) => find().copy.node(["main.ts", "--user", user], FAST);

  describe.concurrent("chat-memory, copied alone and installed with npm", () => {
    it("knows in one conversation what its user told it in another, and nothing of other users", async () => {
      const told = await say("ada", "one", "Hello! My name is Ada. I live in Paris.");
      expect(told).toMatchObject({
        code: 0,
        output: "I see. I will keep that in mind, in this conversation and in others.\n",
        notices: expect.stringContaining(
          "· noted: My name is Ada\n· noted: I live in Paris",
        ) as string,
      });
      const asked = await say("ada", "two", "Where do I live?");
      expect(asked.output).toContain("My name is Ada");
      expect(asked.output).toContain("I live in Paris");
      const other = await say("bob", "one", "Where do I live?");
      expect(other.output).toContain("you have told me nothing about yourself yet");
    });

    it("that is killed in mid-answer answers what it was asked when it is started again", async () => {
      const message = "My name is Grace.";
      const killed = await find().copy.nodeEnded(
        "SIGKILL",
        ["main.ts", "--user", "grace", "--message", message],
        { text: "I will", ms: 0 },
        SLOW,
      );
      expect(killed.code).toBeNull();
      expect(killed.output).not.toContain("others.");
      const resumed = await goOn("grace");
      expect(resumed.notices).toContain("this conversation was cut off; going on with: answer");
      expect(resumed.output).toBe(
        "I see. I will keep that in mind, in this conversation and in others.\n",
      );
      expect(resumed.notices).toContain("· noted: My name is Grace");
      const asked = await say("grace", "two", "Who am I?");
      expect(asked.output.match(/My name is Grace/g)).toHaveLength(1);
    });

    it("that is killed after its answer does not ask the model for it again", async () => {
      const killed = await find().copy.nodeEnded(
        "SIGKILL",
        ["main.ts", "--user", "joan", "--message", "My name is Joan and I am an engineer."],
        // The answer is stored by then, and the notes take ten words.
        { text: "others.\n", ms: 1_500 },
        SLOW,
      );
      expect(killed.code).toBeNull();
      expect(killed.notices).not.toContain("noted");
      const resumed = await goOn("joan");
      expect(resumed).toMatchObject({ code: 0, output: "" });
      expect(resumed.notices).toContain("going on with: note");
      expect(resumed.notices).toContain("· noted: My name is Joan and I am an engineer");
    });
  });
}
