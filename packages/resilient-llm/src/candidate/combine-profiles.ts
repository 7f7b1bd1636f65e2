import type { ModelProfile } from "@langchain/core/language_models/profile";

/**
 * What a chain of models can do: a capability holds if it is stated for every model, and a limit is
 * the smallest one stated.
 */
export function combineProfiles(profiles: readonly ModelProfile[]): ModelProfile {
  const combined: Record<string, boolean | number> = {};
  const keys = new Set(profiles.flatMap((profile) => Object.keys(profile)));
  for (const key of keys) {
    const values = profiles.map((profile) => (profile as Record<string, unknown>)[key]);
    const numbers = values.filter((value) => typeof value === "number");
    if (numbers.length > 0) combined[key] = Math.min(...numbers);
    else if (values.some((value) => typeof value === "boolean")) {
      combined[key] = values.every((value) => value === true);
    }
  }
  return combined;
}
