import { describe, expect, it } from "vitest";
import { ModelCallError } from "@threadkeep/resilient-llm";
import { breakOffOnce, inPieces, type Manner, manners } from "../testing/continuing-server.ts";
import { createModel, startServer } from "../testing/test-model.ts";
import { consumers } from "./consumers.ts";

/** With white space, a sentence that comes again, and characters of more than one code unit. */
const ANSWER =
  "Well, the answer is 42. Not 41: the answer is 42,\n\n- as “everybody” at the café 🍵 knows.";

const PIECES = inPieces(ANSWER).map(({ text }) => text);

/** After how many pieces of three characters a stream breaks off. */
const CUTS = PIECES.map((_, index) => index + 1);

/** These say where they go on, so the answer is always whole. */
const CERTAIN: ReadonlySet<Manner> = new Set([
  "repeats the last words as asked",
  "begins from the start",
]);

/** What had not come when the stream broke off after so many pieces. */
function rest(pieces: number): string {
  return PIECES.slice(pieces).join("");
}

describe.each(Object.entries(consumers))("%s", (_, consume) => {
  it.each(Object.keys(manners) as Manner[])(
    "cut at every third character, when the model %s: the undisturbed answer or a typed error",
    async (manner) => {
      const server = await startServer();
      for (const pieces of CUTS) {
        server.requests.length = 0;
        server.playScript(breakOffOnce(ANSWER, pieces, manner));
        const { model } = createModel([server], { retry: { maxRetries: 1 } });
        const result = await consume(model).catch((error: unknown) => {
          const isAllowed = ModelCallError.isInstance(error) && !CERTAIN.has(manner);
          // The error has all that was handed out, so only the rest is missing.
          return isAllowed ? `${error.partial?.text}${rest(pieces)}` : error;
        });
        expect(result, `after ${pieces} pieces`).toBe(ANSWER);
      }
    },
  );
});
