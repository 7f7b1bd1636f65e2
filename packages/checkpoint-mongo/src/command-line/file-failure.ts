import { CommandLineError } from "./command-line-error.ts";
import { EXIT_CODES } from "./exit-codes.ts";

/** What the codes of the file system say. With these, the command line names a wrong place. */
const WRONG_PLACE: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or directory",
  ENOTDIR: "a part of the path is no directory",
  EISDIR: "it is a directory",
  EACCES: "this user may not",
  EPERM: "this user may not",
  EROFS: "the file system is read-only",
};

const OTHER: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left there",
  EDQUOT: "no space is left there",
};

/**
 * Says which file could not be used, if that is what an error is about. The system names the temporary file.
 *
 * @returns otherwise the error itself
 */
export function explainFileFailure(error: unknown, verb: "read" | "write", file: string): unknown {
  const { code, syscall } = error as { readonly code?: unknown; readonly syscall?: unknown };
  if (typeof code !== "string" || typeof syscall !== "string") return error;
  const isWrongPlace = Object.hasOwn(WRONG_PLACE, code);
  const reason = WRONG_PLACE[code] ?? OTHER[code] ?? code;
  return new CommandLineError(
    isWrongPlace ? EXIT_CODES.usage : EXIT_CODES.failed,
    isWrongPlace ? "USAGE" : "FAILED",
    `Cannot ${verb} ${JSON.stringify(file)}: ${reason}.`,
  );
}
