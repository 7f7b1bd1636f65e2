import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";
import { resolveOldest } from "./test/oldest/resolve-oldest.ts";

/**
 * Resolves workspace packages to their TypeScript sources, so that nothing has to be built before a
 * test. Naming conditions replaces Vite's defaults for code that runs in Node.js, hence all of them.
 */
const conditions = ["@threadkeep/source", "node", "development|production"];

/** Tests that describe suites that are not their own, or measure the memory of their process. */
const ISOLATED = [
  "test/checkpoint-mongo/cache.test.ts",
  "test/checkpoint-mongo/conformance.test.ts",
  "test/checkpoint-mongo/encryption/conformance.test.ts",
  "test/checkpoint-mongo/verify-memory.test.ts",
];

const ON_OLDEST_ONLY = "test/checkpoint-mongo/oldest-versions.test.ts";

/** Tests that are run on the oldest versions of our peers as well. */
const ON_OLDEST = [
  "test/resilient-llm/contract/chat-model.test.ts",
  "test/checkpoint-mongo/conformance.test.ts",
  "test/checkpoint-mongo/delta-history.test.ts",
  // Not those that start processes: these would resolve the newest versions.
  "test/checkpoint-mongo/differential/{killed,undisturbed}.test.ts",
  "test/checkpoint-mongo/same-as-memory.test.ts",
];

// The workers, and the processes that tests start, load the same packages again and again. Compiled
// once, they are there in half the time.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(
  new URL("node_modules/.cache/threadkeep/compiled", import.meta.url),
);

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // At the root, not in a project: one server serves the whole run.
    globalSetup: ["packages/local-mongodb/src/vitest-global-setup.ts"],
    maxWorkers: 3,
    // A slow, shared machine must not turn a right answer into a failure.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    // LangGraph before 1.7 leaves calls of a saver alone that are rejected after their run has failed;
    // the differential test ends runs that way.
    onUnhandledError: (error) => error.name !== "ProcessEndedError",
    // LangChain's packages take longer to load than most files' tests: once a worker will do.
    isolate: false,
    // `pnpm coverage`. Processes that tests start are not counted.
    coverage: {
      provider: "v8",
      include: ["packages/{checkpoint-mongo,resilient-llm}/src/**/*.ts"],
      exclude: ["**/*.test.ts", "**/*.fixture.ts", "**/testing/**"],
      reporter: ["text-summary", "json-summary", "html"],
      reportOnFailure: true,
    },
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["packages/*/src/**/*.test.ts"] },
      },
      {
        extends: true,
        test: {
          name: "contract",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...ISOLATED, ON_OLDEST_ONLY],
        },
      },
      {
        extends: true,
        test: {
          name: "contract-isolated",
          include: ISOLATED,
          isolate: true,
          // The official conformance suite calls `describe`, `it` and `expect` as globals.
          globals: true,
        },
      },
      {
        extends: true,
        plugins: [resolveOldest()],
        test: {
          name: "oldest",
          include: [ON_OLDEST_ONLY, ...ON_OLDEST],
          isolate: true,
          globals: true,
        },
      },
    ],
  },
});
