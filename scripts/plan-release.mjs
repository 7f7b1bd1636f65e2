/**
 * Says what the release workflow has to do, as outputs of a step:
 *
 * - `mode=version`: there are changesets, so the pull request with the next versions has to be kept up to date;
 * - `mode=publish`: there are none, and the registry lacks some version; `packages` names what to publish;
 * - `mode=none`: everything is published.
 *
 * Needs nothing but Node.js and npm.
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * @typedef {object} Release
 * @property {string} name As npm knows it.
 * @property {string} version
 * @property {string} file The name of its files in the output of `pnpm release:dry`, without suffixes.
 */

const changesets = readdirSync(join(root, ".changeset")).filter(
  (file) => file.endsWith(".md") && file !== "README.md",
);
if (changesets.length > 0) {
  console.log("mode=version\npackages=[]");
} else {
  const releases = listPublic();
  const published = await Promise.all(releases.map(isPublished));
  const missing = releases.filter((_, index) => !published[index]);
  console.log(`mode=${missing.length > 0 ? "publish" : "none"}`);
  console.log(`packages=${JSON.stringify(missing)}`);
}

/** @returns {Release[]} The packages of this repository that are for users. */
function listPublic() {
  return readdirSync(join(root, "packages"))
    .map(readManifest)
    .filter((manifest) => manifest.private !== true)
    .map(({ name, version }) => ({
      name,
      version,
      file: `${name.slice(1).replace("/", "-")}-${version}`,
    }));
}

/** @param {string} folder */
function readManifest(folder) {
  return /** @type {{ name: string, version: string, private?: boolean }} */ (
    JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8"))
  );
}

/**
 * @param {Release} release
 * @returns {Promise<boolean>} Whether the registry has this version.
 */
function isPublished({ name, version }) {
  return new Promise((resolve, reject) => {
    execFile("npm", ["view", `${name}@${version}`, "version", "--json"], (error, stdout) => {
      if (error === null) {
        resolve(stdout.includes(version));
        return;
      }
      // Any other answer than "not found" says nothing about the version.
      if (/"code":\s*"E404"/.test(stdout)) resolve(false);
      else
        reject(
          new Error(`The registry does not say whether ${name}@${version} is there.`, {
            cause: error,
          }),
        );
    });
  });
}
