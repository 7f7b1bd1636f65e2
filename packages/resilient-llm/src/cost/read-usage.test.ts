import * as fc from "fast-check";
import { expect, it } from "vitest";
import { findUsage, mergeUsage } from "./find-usage.ts";
import { completeUsage, readUsage } from "./read-usage.ts";

const ESTIMATE = { inputTokens: 7, outputTokens: 3 };

it("no object, no count and no known name is no usage", () => {
  for (const raw of [undefined, null, "1000", {}, { tokens: 5 }, { prompt_tokens: "many" }]) {
    expect(readUsage(raw).kind).toBe("missing");
  }
});

it("what is not reported is estimated and says so; what is, is not", () => {
  const counted = readUsage({ prompt_tokens: 10, completion_tokens: 5 });
  expect(completeUsage(counted, () => ESTIMATE)).toMatchObject({
    inputTokens: 10,
    estimated: false,
  });
  expect(completeUsage(readUsage({}), () => ESTIMATE)).toMatchObject({
    ...ESTIMATE,
    estimated: true,
    isUnmetered: false,
  });
  const zeros = readUsage({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 });
  expect(completeUsage(zeros, () => ESTIMATE)).toMatchObject({
    ...ESTIMATE,
    estimated: true,
    isUnmetered: true,
  });
});

it("negative, infinite and foreign counts are no counts", () => {
  expect(readUsage({ prompt_tokens: -1, completion_tokens: Number.NaN }).kind).toBe("missing");
  expect(readUsage({ prompt_tokens: 5, completion_tokens: null })).toMatchObject({
    usage: { inputTokens: 5, outputTokens: 0 },
  });
});

it("whatever a provider reports, parts are never larger than the whole and nothing is lost", () => {
  const count = fc.option(fc.nat(10_000), { nil: undefined });
  const reported = fc.record({
    prompt_tokens: fc.integer({ min: 1, max: 10_000 }),
    completion_tokens: fc.nat(10_000),
    total_tokens: count,
    cached_tokens: count,
    cache_read_input_tokens: count,
    cache_creation_input_tokens: count,
    reasoning_tokens: count,
  });
  fc.assert(
    fc.property(reported, (raw) => {
      const usage = completeUsage(readUsage(raw), () => ESTIMATE);
      expect(usage.estimated).toBe(false);
      expect(usage.cachedInputTokens + usage.cacheWriteInputTokens).toBeLessThanOrEqual(
        usage.inputTokens,
      );
      expect(usage.reasoningTokens).toBeLessThanOrEqual(usage.outputTokens);
      expect(usage.inputTokens).toBeGreaterThanOrEqual(raw.prompt_tokens);
      expect(usage.outputTokens).toBeGreaterThanOrEqual(raw.completion_tokens);
      expect(usage.inputTokens + usage.outputTokens).toBeGreaterThanOrEqual(raw.total_tokens ?? 0);
    }),
  );
});

it("of a stream's reports, the larger counts and what only one of them says are kept", () => {
  const first = { prompt_tokens: 1000, completion_tokens: 0, prompt_tokens_details: { a: 1 } };
  const last = { completion_tokens: 100, prompt_tokens: null, prompt_tokens_details: null };
  expect(mergeUsage(mergeUsage(undefined, first), last)).toEqual({
    prompt_tokens: 1000,
    completion_tokens: 100,
    prompt_tokens_details: { a: 1 },
  });
  expect(mergeUsage(first, { prompt_tokens: 0, completion_tokens: 0 })).toEqual(first);
});

it("usage is found wherever it lies, and an empty object is none", () => {
  const usage = { prompt_tokens: 1 };
  for (const answer of [
    { usage },
    { x_groq: { usage } },
    { usage: null, choices: [{ usage: {} }, { usage }] },
    { type: "response.completed", response: { usage } },
  ]) {
    expect(findUsage(answer)).toBe(usage);
  }
  for (const answer of [undefined, "text", {}, { usage: {} }, { choices: [null] }]) {
    expect(findUsage(answer)).toBeUndefined();
  }
});
