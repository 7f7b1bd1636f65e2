import { chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Environment } from "./environment.ts";
import { installSecantus } from "./secantus.ts";

/**
 * Stands in for Python, which the machine may not have: `-m venv DIR` makes a directory with a copy
 * of this script, `-m pip install` puts a program where the package would.
 */
const STAND_IN_PYTHON = `#!/bin/sh
case "$2" in
  venv) mkdir -p "$3/bin" "$3/lib/python3/site-packages/secantusdb.scripts" && cp "$0" "$3/bin/python" ;;
  pip)
    if [ -n "$PIP_FAILS" ]; then echo "ERROR: No matching distribution found" >&2; exit 1; fi
    sleep 0.2
    root="$(dirname "$(dirname "$0")")"
    for path in "$root/bin" "$root/lib/python3/site-packages/secantusdb.scripts"; do
      printf '#!/bin/sh\\necho installed' > "$path/secantusd-rs" && chmod +x "$path/secantusd-rs"
    done ;;
esac
`;

let directory: string;
let machine: Environment & { readonly lines: string[] };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-install-test-"));
  await mkdir(join(directory, "bin"));
  await writeFile(join(directory, "bin/python3"), STAND_IN_PYTHON);
  await chmod(join(directory, "bin/python3"), 0o755);
  const lines: string[] = [];
  machine = {
    variables: { PATH: `${join(directory, "bin")}:/usr/bin:/bin` },
    cacheDirectory: join(directory, "cache"),
    log: (line) => lines.push(line),
    lines,
  };
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

describe("the installation of SecantusDB", () => {
  it("leaves one whole installation when several processes begin at once", async () => {
    const paths = await Promise.all(Array.from({ length: 4 }, () => installSecantus(machine)));
    expect(new Set(paths).size).toBe(1);
    expect(await readdir(machine.cacheDirectory)).toHaveLength(1);
  });

  it("is done once", async () => {
    const path = await installSecantus(machine);
    expect(await installSecantus(machine)).toBe(path);
    expect(machine.lines).toHaveLength(1);
  });

  it("leaves nothing behind when it fails, says why, and works when tried again", async () => {
    const failing = { ...machine, variables: { ...machine.variables, PIP_FAILS: "yes" } };
    await expect(installSecantus(failing)).rejects.toThrow(
      /pip install .*SecantusDB==.*" failed: ERROR: No matching distribution found$/,
    );
    expect(await readdir(machine.cacheDirectory)).toEqual([]);
    expect(await installSecantus(machine)).toContain("secantusd-rs");
  });

  it("clears away what an interrupted one left, but not one that is under way", async () => {
    await installSecantus(machine);
    const [place] = await readdir(machine.cacheDirectory);
    await rm(join(machine.cacheDirectory, `${place}`), { recursive: true });
    const abandoned = join(machine.cacheDirectory, `${place}.tmp-killed`);
    const underWay = join(machine.cacheDirectory, `${place}.tmp-recent`);
    await mkdir(abandoned);
    await mkdir(underWay);
    const twoHoursAgo = new Date(Date.now() - 2 * 60 * 60_000);
    await utimes(abandoned, twoHoursAgo, twoHoursAgo);

    await installSecantus(machine);
    expect((await readdir(machine.cacheDirectory)).toSorted()).toEqual([
      place,
      `${place}.tmp-recent`,
    ]);
  });
});
