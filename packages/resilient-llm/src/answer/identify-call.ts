import type { CallRequest } from "../call/call-request.ts";
import type { SharedState } from "../call/shared-state.ts";
import { describeModel, describeTools } from "../candidate/describe-candidate.ts";
import type { JournalKey } from "../journal/call-journal.ts";
import { type CallPlace, takePlace } from "../journal/call-places.ts";
import { hashRequest } from "../journal/hash-request.ts";
import { createJournalKey } from "../journal/journal-key.ts";

const modelDescriptions = new WeakMap<SharedState["models"], unknown>();

function describeModels({ models, options }: SharedState): unknown {
  const known = modelDescriptions.get(models);
  if (known !== undefined) return known;
  const description = {
    models: models.map((endpoints) => describeModel(endpoints)),
    maxPromptTokens: options.context.maxPromptTokens,
  };
  modelDescriptions.set(models, description);
  return description;
}

function readTools(options: CallRequest["options"]): Parameters<typeof describeTools>[0] {
  const { tools } = options;
  return Array.isArray(tools) ? (tools as Parameters<typeof describeTools>[0]) : [];
}

/** What a call is known by, and its place among those of its task that ask the same. `undefined`: by nothing. */
export function identifyCall(
  shared: SharedState,
  { address, messages, options }: CallRequest,
): { readonly key: JournalKey; readonly place: CallPlace } | undefined {
  if (!address) return undefined;
  const tools = describeTools(readTools(options));
  const requestHash = hashRequest({ models: describeModels(shared), messages, tools, options });
  const place = takePlace(address.execution, requestHash);
  return { key: createJournalKey(address, place.ordinal, requestHash), place };
}
