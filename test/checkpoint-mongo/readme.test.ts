import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const run = promisify(execFile);

const README = new URL("../../packages/checkpoint-mongo/README.md", import.meta.url);

it("the sample of the package's README runs, and its second run continues with the thread", async () => {
  const [, sample] = /^```ts\n(.*?)^```$/ms.exec(await readFile(README, "utf8"))!;
  const program = sample!.replaceAll("agents", database.name);
  expect(program).toContain(database.name);
  const runSample = async (): Promise<string> => {
    const { stdout } = await run(
      process.execPath,
      [
        "--conditions=@threadkeep/source",
        "--disable-warning=ExperimentalWarning",
        "--input-type=module-typescript",
        "--eval",
        program,
      ],
      {
        cwd: fileURLToPath(new URL("..", import.meta.url)),
        env: { ...process.env, MONGODB_URI: database.uri },
      },
    );
    return stdout;
  };
  expect(await runSample()).toBe("[ 'hello', 'this thread has 1 notes' ]\n");
  expect(await runSample()).toContain("'this thread has 3 notes'");
});
