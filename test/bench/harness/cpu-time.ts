import { readFileSync } from "node:fs";

/** What Linux counts processor time in, whatever the kernel's own tick is: 100 a second. */
const MS_PER_TICK = 10;

/** Milliseconds of processor time that this process has taken, all its threads together. */
export function readCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * Milliseconds of processor time that another process has taken, to ten.
 *
 * @returns undefined where the system does not say: other systems than Linux, a server elsewhere
 */
export function readCpuMsOf(pid: number | undefined): number | undefined {
  if (pid === undefined || process.platform !== "linux") return undefined;
  // The second field, in parentheses, is the program's name and may hold anything.
  const [, fields = ""] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
  const [user, system] = fields.split(" ").slice(11, 13).map(Number);
  return user === undefined || system === undefined ? undefined : (user + system) * MS_PER_TICK;
}
