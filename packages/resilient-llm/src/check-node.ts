import { ThreadkeepError } from "./errors/threadkeep-error.ts";

const OLDEST = [22, 15] as const;

// Loaded before all else, so that an old Node.js hears what it is instead of failing somewhere.
// Runtimes that do not say which Node.js they are like have to try.
const [major, minor] = (globalThis.process?.versions?.node ?? OLDEST.join(".")).split(".");
if (Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1])) {
  throw new ThreadkeepError(
    "UNSUPPORTED_NODE",
    `@threadkeep/resilient-llm needs Node.js ${OLDEST.join(".")} or later; this is ` +
      `${process.version}. Install a current Node.js from https://nodejs.org.`,
  );
}
