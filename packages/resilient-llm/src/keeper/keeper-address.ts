import { randomUUID } from "node:crypto";
import { link, lstat, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where a keeper listens, as its address file says. Only its user can read that. */
export interface KeeperAddress {
  /** The path of a Unix socket, or a port of the loopback interface. */
  readonly listen: string | number;
  readonly token: string;
  /** The keeper's process, for whoever wants to end it. */
  readonly pid: number;
}

/** Nobody but the owner may read or write. */
const OWNER_ONLY_FOLDER = 0o700;
const OWNER_ONLY_FILE = 0o600;
const OTHERS = 0o077;

/** The folder of this user's keepers. The path of a socket has room for about a hundred characters. */
export function findFolder(): string {
  const { LOCALAPPDATA, XDG_RUNTIME_DIR } = process.env;
  if (process.platform === "win32") return join(LOCALAPPDATA ?? tmpdir(), "threadkeep");
  if (XDG_RUNTIME_DIR) return join(XDG_RUNTIME_DIR, "threadkeep");
  return join(tmpdir(), `threadkeep-${process.getuid?.()}`);
}

/**
 * Makes the folder, if it is not there.
 *
 * @throws if another user could read or change what is in it
 */
export async function openFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: OWNER_ONLY_FOLDER });
  // Windows has no such modes. There, what is in a user's folder is the user's.
  if (process.platform === "win32") return;
  // Not `stat`: a link may lead to wherever its owner likes.
  const found = await lstat(folder);
  const isOwn = found.uid === process.getuid?.() && (found.mode & OTHERS) === 0;
  if (isOwn && found.isDirectory()) return;
  throw new Error(
    `The keeper's folder ${folder} has to be a folder that only this user can enter: chmod 700, or set journal.keeper.folder`,
  );
}

/** What an address file says. `undefined`: there is none that can be read. */
export async function readAddress(file: string): Promise<KeeperAddress | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as KeeperAddress;
  } catch {
    return undefined;
  }
}

/**
 * Says in `file` where a keeper listens. Of several that do so at once, one stays there, and its agents never see
 * half a file.
 *
 * @param isAlive Whether a keeper answers at an address.
 * @returns whether the address is there. If not, another keeper is.
 */
export async function publishAddress(
  file: string,
  address: KeeperAddress,
  isAlive: (address: KeeperAddress) => Promise<boolean>,
): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(address), { mode: OWNER_ONLY_FILE, flag: "wx" });
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const other = await readAddress(file);
    if (other && (await isAlive(other))) return false;
    // That of a keeper that was killed.
    await rename(draft, file);
    if (typeof other?.listen === "string") await rm(other.listen, { force: true });
    return true;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Takes an address back, unless another keeper's is in its place. */
export async function withdrawAddress(file: string, { token }: KeeperAddress): Promise<void> {
  const current = await readAddress(file);
  if (current?.token === token) await rm(file, { force: true });
}
