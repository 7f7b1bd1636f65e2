import { describeCall } from "../recording/model-call.ts";
import { count, type Proof, type RunEvidence } from "./proof.ts";

/** From the request log: each question to the model was answered in full exactly once. */
export function proveAnsweredOnce({ calls }: RunEvidence): Proof {
  const questions = new Set(calls.map(({ digest }) => digest));
  const violations: string[] = [];
  let answers = 0;
  for (const digest of questions) {
    const asked = calls.filter((call) => call.digest === digest);
    const answered = asked.filter(({ outcome }) => outcome === "completed").length;
    answers += answered;
    if (answered !== 1 && asked[0])
      violations.push(
        `The call of the ${describeCall(asked[0])} (${digest}) was answered ${answered} times.`,
      );
  }
  if (calls.length === 0) violations.push("The request log is empty.");
  return {
    claim: "Every model call was answered exactly once",
    figures: `${count(questions.size, "call")}, ${count(answers, "full answer")}`,
    violations,
  };
}
