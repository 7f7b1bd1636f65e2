import type { ProviderErrorDescription } from "./classify-option.ts";
import type { EndpointDescription } from "./endpoint-description.ts";
import { failurePolicies } from "./failure-policy.ts";
import type { FailureKind } from "./failure.ts";
import { redactText } from "./redact.ts";

const FAILURE_KINDS = Object.keys(failurePolicies) as FailureKind[];

/** What the user's own rules say. What they throw or return by mistake is reported and left out. */
export function askClassifyOption(
  endpoint: EndpointDescription,
  error: Omit<ProviderErrorDescription, "model" | "baseUrl">,
): FailureKind | undefined {
  const { baseUrl, classify, model, secrets } = endpoint;
  if (!classify) return undefined;
  try {
    const message = redactText(error.message, secrets);
    const kind = classify({ ...error, message, model, baseUrl });
    if (kind === undefined || FAILURE_KINDS.includes(kind)) return kind;
    process.emitWarning(
      `The option classify of ResilientChatModel returned ${JSON.stringify(kind)}: expected undefined or one of ${FAILURE_KINDS.join(", ")}`,
      { code: "THREADKEEP_CLASSIFY" },
    );
  } catch (thrown) {
    process.emitWarning(`The option classify of ResilientChatModel threw: ${String(thrown)}`, {
      code: "THREADKEEP_CLASSIFY",
    });
  }
  return undefined;
}
