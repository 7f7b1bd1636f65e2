import zlib from "node:zlib";
import { ThreadkeepError } from "./errors/index.ts";

// Loaded before all else, so that an old Node.js hears what it lacks instead of failing somewhere.
// Built-ins that it may not have are therefore never imported by name: that would fail before any
// code runs.
if (typeof zlib.zstdCompressSync !== "function") {
  throw new ThreadkeepError(
    "UNSUPPORTED_NODE",
    "@threadkeep/checkpoint-mongo needs Node.js 22.15 or later (of 23, 23.8 or later); " +
      `this is ${process.version}. Install a current Node.js from https://nodejs.org.`,
  );
}
