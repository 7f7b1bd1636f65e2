import type { EndpointDescription } from "./endpoint-description.ts";
import type { FailureKind } from "./failure.ts";

/** What the reader can do about a failure of this kind, where that is known. */
export function describeNextStep(
  kind: FailureKind,
  endpoint: EndpointDescription,
  isFinal = false,
): string | undefined {
  switch (kind) {
    case "authentication":
      return (
        `Check that ${endpoint.apiKeySource} holds a valid key for ${endpoint.baseUrl}` +
        ` and that the key may use ${endpoint.model}.`
      );
    case "not-found": {
      const { model, baseUrl } = endpoint;
      const missing = `${baseUrl.replace(/\/$/, "")}/v1`;
      const version = /\/v\d/.test(baseUrl)
        ? "."
        : `: it does not end in a version, and OpenAI-compatible servers usually want ${missing}.`;
      return `Check the model name ${JSON.stringify(model)} and the base URL ${baseUrl}${version}`;
    }
    case "quota-exhausted":
      return `Top up the account behind ${endpoint.apiKeySource}, or add a candidate with another key or provider.`;
    case "rate-limited":
      return "Lower the request rate (option rateLimit), or add a candidate with another key or provider.";
    case "exceeds-rate-limit":
      return "Shorten the request or raise the rate limit at the provider: no wait makes it fit. Or add a candidate with a higher limit.";
    case "context-length":
      return "Shorten the conversation, or add a candidate with a larger context window.";
    case "content-filter":
      return "Rephrase the prompt, or allow another provider with fallback.onContentFilter: true.";
    case "unsupported":
      return "Leave out of the request what this model does not support, or add a candidate that supports it.";
    case "failed-generation":
      return "If it keeps failing, simplify the tools or the schema of the output, or add a candidate.";
    case "location-refused":
      return "Call the provider from a country and network that it serves, or add a candidate of another provider.";
    case "empty-answer":
      return 'Add a candidate, or let an empty answer pass with emptyAnswer: "accept".';
    case "bad-request":
      return isFinal
        ? "Correct the request: the same one would be refused again, by any model."
        : "Correct the request, or let other candidates try it too with fallback.onBadRequest: true.";
    default:
      return undefined;
  }
}
