import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { readFile } from "node:fs/promises";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

/** What publint and Are The Types Wrong have against a tarball. */
export async function checkTarball(tarball: string): Promise<string[]> {
  const data = new Uint8Array(await readFile(tarball));
  const { messages, pkg } = await publint({ pack: { tarball: data.buffer }, strict: true });
  const result = await checkPackage(createPackageFromTarballData(data));
  if (!result.types) throw new Error(`There are no declarations in ${tarball}.`);
  // The oldest way to look for modules does not know of `exports`; LangChain's cannot be found by
  // it either.
  const problems = result.problems.filter(
    (problem) => !("resolutionKind" in problem && problem.resolutionKind === "node10"),
  );
  return [
    ...messages.map((message) => `publint: ${formatMessage(message, pkg)}`),
    ...problems.map((problem) => `Are The Types Wrong: ${JSON.stringify(problem)}`),
  ];
}
