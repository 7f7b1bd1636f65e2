import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { runProgram } from "../run-program.ts";
import type { Manifest } from "../user-project.ts";

interface Sbom {
  readonly bomFormat: string;
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } };
  readonly components: readonly { readonly name: string }[];
}

/**
 * The software bill of materials of a tarball in CycloneDX: what npm installs with it today, peers
 * included.
 *
 * @param directory will be made
 * @throws Error if npm names another package, or leaves out a dependency
 */
export async function makeSbom(
  directory: string,
  tarball: string,
  manifest: Manifest,
): Promise<string> {
  // npm names what the document is about by its folder, and knows scopes.
  const folder = join(directory, manifest.name);
  await mkdir(folder, { recursive: true });
  await promisify(execFile)("tar", ["-xzf", tarball, "--strip-components=1", "-C", folder]);
  // Installed as a project of its own, so that it is what the document is about.
  const {
    scripts: _,
    devDependencies: __,
    ...installable
  } = manifest as Manifest & {
    readonly scripts?: unknown;
    readonly devDependencies?: unknown;
  };
  await writeFile(join(folder, "package.json"), JSON.stringify(installable));
  await runNpm(folder, ["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
  const text = await runNpm(folder, ["sbom", "--sbom-format=cyclonedx", "--sbom-type=library"]);
  const sbom = JSON.parse(text) as Sbom;
  const { name, version } = sbom.metadata.component;
  if (sbom.bomFormat !== "CycloneDX" || name !== manifest.name || version !== manifest.version) {
    throw new Error(`The SBOM of ${tarball} is about ${name} ${version}.`);
  }
  const listed = new Set(sbom.components.map((component) => component.name));
  const missing = Object.keys(manifest.dependencies).filter(
    (dependency) => !listed.has(dependency),
  );
  if (missing.length > 0) throw new Error(`The SBOM of ${tarball} lacks ${missing.join(", ")}.`);
  return text;
}

async function runNpm(directory: string, args: readonly string[]): Promise<string> {
  const { code, output } = await runProgram("npm", args, directory);
  if (code !== 0) throw new Error(`npm ${args[0]} failed:\n${output}`);
  return output;
}
