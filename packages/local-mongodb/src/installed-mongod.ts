import type { Environment } from "./environment.ts";
import { findOnPath, isExecutable } from "./find-on-path.ts";
import type { Finding } from "./finding.ts";
import { mongodProgram } from "./mongod-program.ts";

/**
 * The mongod named by `MONGOMS_SYSTEM_BINARY`, else the first one on the `PATH`.
 *
 * @throws Error if `MONGOMS_SYSTEM_BINARY` names something that cannot be run.
 */
export async function findInstalledMongod({ variables }: Environment): Promise<Finding> {
  const named = variables["MONGOMS_SYSTEM_BINARY"];
  if (named) {
    if (await isExecutable(named)) return { program: mongodProgram(named, `mongod at ${named}`) };
    throw new Error(`MONGOMS_SYSTEM_BINARY names ${named}, which is no program that can be run`);
  }
  const path = await findOnPath("mongod", variables);
  if (path !== undefined) return { program: mongodProgram(path, `mongod at ${path}`) };
  return { absent: "there is no mongod on the PATH and MONGOMS_SYSTEM_BINARY is not set" };
}
