import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** A file of a tarball, as text. */
export async function readPacked(tarball: string, path: string): Promise<string> {
  const { stdout } = await promisify(execFile)("tar", ["-xzOf", tarball, `package/${path}`]);
  return stdout;
}
