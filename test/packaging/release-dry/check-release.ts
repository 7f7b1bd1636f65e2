import { startMongoDB } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { readChangelog } from "../changelog.ts";
import { checkTarball } from "../check-tarball.ts";
import { InstalledProject, type PackageManager } from "../installed-project.ts";
import { packWorkspace, PUBLISHED, type Published } from "../pack-workspace.ts";
import { readPacked } from "../read-packed.ts";
import { startScriptedModel } from "../scripted-model.ts";
import type { Manifest } from "../user-project.ts";
import { checkProject, type Surroundings } from "./check-project.ts";
import { listEntryPoints } from "./entry-points.ts";
import type { Options } from "./options.ts";
import { choosePeers, type Age } from "./peers.ts";
import type { Report } from "./report.ts";
import { makeSbom } from "./sbom.ts";

/** A project to install and to try: the ages of driver and LangGraph, and what installs them. */
type Case = readonly [driver: Age, langgraph: Age, manager: PackageManager];

const SHORT: readonly Case[] = [
  ["oldest", "oldest", "npm"],
  ["newest", "newest", "pnpm"],
];

const AGES: readonly Age[] = ["oldest", "newest"];

const ALL: readonly Case[] = AGES.flatMap((driver) =>
  AGES.flatMap((langgraph) =>
    (["npm", "pnpm"] as const).map((manager) => [driver, langgraph, manager] as const),
  ),
);

/**
 * Builds the tarballs, checks them, and uses them in projects as users do.
 *
 * @param directory an empty directory
 */
export async function checkRelease(
  directory: string,
  options: Options,
  report: Report,
): Promise<void> {
  const tarballs = await packWorkspace(join(directory, "packed"));
  const manifests = {} as Record<Published, Manifest>;
  for (const name of PUBLISHED) {
    manifests[name] = JSON.parse(await readPacked(tarballs[name], "package.json")) as Manifest;
    await report.check(`${basename(tarballs[name])}: publint and Are The Types Wrong`, () =>
      checkTarball(tarballs[name]),
    );
  }
  await checkProjects(directory, tarballs, manifests, options, report);
  if (options.output === undefined) return;
  await mkdir(options.output, { recursive: true });
  for (const name of PUBLISHED) {
    await report.check(`${basename(tarballs[name])}: is written with SBOM and notes`, async () => {
      await writeRelease(
        options.output!,
        join(directory, `sbom-${name}`),
        tarballs[name],
        manifests[name],
      );
      return [];
    });
  }
}

async function checkProjects(
  directory: string,
  tarballs: Readonly<Record<Published, string>>,
  manifests: Readonly<Record<Published, Manifest>>,
  { isShort }: Options,
  report: Report,
): Promise<void> {
  const mongodb = await startMongoDB({ log: console.log });
  const model = await startScriptedModel();
  const client = new MongoClient(mongodb.uri);
  const surroundings: Surroundings = {
    uri: mongodb.uri,
    client,
    modelUrl: model.baseURL,
    thorough: isShort ? ["typescript-7"] : ["typescript", "typescript-7"],
    entryPoints: PUBLISHED.flatMap((name) => listEntryPoints(manifests[name])),
  };
  try {
    const cases = isShort ? [...SHORT] : [...ALL];
    const newest = isShort ? "workspace" : "registry";
    const takeCases = async (): Promise<void> => {
      for (let next = cases.shift(); next !== undefined; next = cases.shift()) {
        const [driver, langgraph, manager] = next;
        let project: InstalledProject | undefined;
        await report.check(
          `${manager} installs them with the ${driver} driver and the ${langgraph} LangGraph`,
          async () => {
            const peers = await choosePeers(driver, langgraph, newest);
            project = await InstalledProject.install(join(directory, next.join("-")), manager, [
              ...peers,
              ...Object.values(tarballs),
            ]);
            return [];
          },
        );
        if (project !== undefined) await checkProject(manager, project, surroundings, report);
      }
    };
    // Installing waits for the network, compiling for the processor.
    await Promise.all([takeCases(), takeCases()]);
  } finally {
    await client.close();
    await model.close();
    await mongodb.stop();
  }
}

/** Leaves a tarball with its SBOM and its release notes. */
async function writeRelease(
  output: string,
  scratch: string,
  tarball: string,
  manifest: Manifest,
): Promise<void> {
  const path = join(output, basename(tarball, ".tgz"));
  const [newest] = readChangelog(await readPacked(tarball, "CHANGELOG.md"));
  if (newest?.version !== manifest.version) {
    throw new Error(`The changelog of ${manifest.name} does not begin with ${manifest.version}.`);
  }
  await writeFile(`${path}.cdx.json`, await makeSbom(scratch, tarball, manifest));
  await writeFile(`${path}.notes.md`, `${newest.text}\n`);
  await copyFile(tarball, `${path}.tgz`);
}
