import { ThreadkeepError } from "./errors/threadkeep-error.ts";

const OLDEST = [22, 15] as const;

// Loaded before all else, so that an old Node.js hears what it is instead of failing somewhere. Other
// runtimes have to try: Bun and Deno say they are a Node.js whose version tells nothing about them.
const { node, bun, deno } = globalThis.process?.versions ?? {};
const isNode = node !== undefined && bun === undefined && deno === undefined;
const [major, minor] = (isNode ? node : OLDEST.join(".")).split(".");
if (Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1])) {
  throw new ThreadkeepError(
    "UNSUPPORTED_NODE",
    `@threadkeep/resilient-llm needs Node.js ${OLDEST.join(".")} or later; this is ` +
      `${process.version}. Install a current Node.js from https://nodejs.org.`,
  );
}
