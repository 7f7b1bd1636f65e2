import {
  AllCandidatesFailedError,
  createCallError,
  type ModelCallError,
  type ModelCallErrorDetails,
} from "../errors/model-call-error.ts";

/**
 * The error of a call that is given up after failed attempts.
 *
 * @param isSole The deciding failure says it all, whatever others said before.
 */
export function createEndError(details: ModelCallErrorDetails, isSole: boolean): ModelCallError {
  const { attempts, failure } = details;
  // These two say what is wrong with the prompt, whichever candidate was asked.
  const isPromptAtFault = failure.kind === "context-length" || failure.kind === "content-filter";
  const asked = new Set(attempts.map((record) => record.candidate));
  return asked.size > 1 && !isSole && !isPromptAtFault
    ? new AllCandidatesFailedError(details)
    : createCallError(details);
}
