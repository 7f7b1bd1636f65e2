import zlib from "node:zlib";
import { unsupportedRuntime } from "./errors/unsupported-runtime.ts";

// Loaded before all else, so that an old Node.js hears what it lacks instead of failing somewhere.
// Built-ins that it may not have are therefore never imported by name: that would fail before any
// code runs. What there is, is looked at: other runtimes say they are a Node.js that they are not.
if (typeof zlib.zstdCompressSync !== "function") throw unsupportedRuntime();
