/** `npm run demo`: installs what is needed, then runs the demo with the arguments given. */
import { prepareWorkspace, runNode } from "./bootstrap.mjs";

await prepareWorkspace();
process.exitCode = await runNode([
  "--conditions=@threadkeep/source",
  "test/demo/main.ts",
  ...process.argv.slice(2),
]);
