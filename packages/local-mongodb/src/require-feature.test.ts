import { expect, inject, it } from "vitest";
import { FEATURES, hasFeature, requireFeature } from "./require-feature.ts";

// With a server of MONGODB_URI, a run says here what it could not show there.
it.for(FEATURES)("the server that tests run on has %s", async (feature, context) => {
  await requireFeature(context, feature);
  expect(await hasFeature(inject("mongodbUri"), feature)).toBe(true);
});
