import { defineConfig } from "vitest/config";

/**
 * Resolves workspace packages to their TypeScript sources, so that nothing has to be built before a
 * test. Naming conditions replaces Vite's defaults for code that runs in Node.js, hence all of them.
 */
const conditions = ["@threadkeep/source", "node", "development|production"];

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
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["packages/*/src/**/*.test.ts"],
          // LangChain's packages take longer to load than most files' tests: once a worker will do.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "contract",
          include: ["test/**/*.test.ts"],
          // The official conformance suite calls `describe`, `it` and `expect` as globals.
          globals: true,
        },
      },
    ],
  },
});
