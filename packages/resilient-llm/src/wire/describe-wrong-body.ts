import type { Failure } from "../failure/failure.ts";
import { quoteMessage } from "../failure/quote-message.ts";
import type { WireWatch } from "./wire-watch.ts";

/** Longest part of a body that is shown, in characters. */
const LONGEST_SHOWN = 120;

/** The failure of an answer with status 200 that is something else than an answer. */
export function describeWrongBody(watch: WireWatch, what: string, body: string): Failure {
  const { model, baseUrl, secrets } = watch.endpoint;
  const quoted = quoteMessage(body, secrets).slice(0, LONGEST_SHOWN);
  return {
    kind: "invalid-response",
    message: `${model} at ${baseUrl} answered with status 200 and ${what}${quoted ? `: ${quoted}` : ""}`,
    nextStep: /\/v\d/.test(baseUrl)
      ? `Check that ${baseUrl} is the address of an OpenAI-compatible API and no proxy or login page stands before it.`
      : `Check the base URL: OpenAI-compatible servers usually want ${baseUrl.replace(/\/$/, "")}/v1.`,
  };
}
