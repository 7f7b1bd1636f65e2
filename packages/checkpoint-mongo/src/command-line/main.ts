#!/usr/bin/env node
import module from "node:module";

// Compiled code is kept between runs: the program then starts in half the time.
module.enableCompileCache?.();
try {
  // First of all, as in the library: an older Node.js hears what it lacks.
  await import("../check-node.ts");
  const { runProgram } = await import("./run-program.ts");
  await runProgram(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
