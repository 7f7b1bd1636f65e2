import { inject, type TestContext } from "vitest";
import { hasFeature, type Feature } from "./server-features.ts";

const known = new Map<Feature, Promise<boolean>>();

/**
 * Says that a test needs a feature of the server. Where the server of `MONGODB_URI` does not have it, the
 * test ends here, and the run reports it as needing that. A server that was started for the tests has
 * to have it.
 *
 * @example
 * ```ts
 * import { requireFeature } from "@threadkeep/local-mongodb/features";
 *
 * beforeEach((context) => requireFeature(context, "fail points"));
 * ```
 */
export async function requireFeature(context: TestContext, feature: Feature): Promise<void> {
  const uri = inject("mongodbUri");
  const asked = known.get(feature) ?? hasFeature(uri, feature);
  known.set(feature, asked);
  if (await asked) return;
  if (!process.env["MONGODB_URI"]) {
    throw new Error(`The server that was started for the tests lacks ${feature}.`);
  }
  // The test run's reporter looks for these words.
  context.skip(`needs ${feature}`);
}
