import { CommanderError } from "commander";
import { ThreadkeepError } from "../errors/threadkeep-error.ts";
import { CommandLineError } from "./command-line-error.ts";
import { redactSecrets } from "./connection/redact-secrets.ts";
import { EXIT_CODES, type ExitCode } from "./exit-codes.ts";

/** A failure as it is told to the user. */
export interface DescribedFailure {
  readonly code: string;
  readonly message: string;
  readonly exitCode: ExitCode;
  /** Where it was thrown; only of failures that nobody foresaw. */
  readonly stack: string | undefined;
}

/** Exit codes by the codes of errors. */
const BY_CODE: ReadonlyMap<string, ExitCode> = new Map<string, ExitCode>([
  ["INVALID_OPTIONS", EXIT_CODES.usage],
  ["INVALID_ADDRESS", EXIT_CODES.usage],
  ["INTEGRITY_KEY", EXIT_CODES.usage],
  ["ENCRYPTION_KEY", EXIT_CODES.usage],
  ["PLAINTEXT_REFUSED", EXIT_CODES.refused],
  ["CLASS_NOT_ALLOWED", EXIT_CODES.usage],
  ["THREAD_ARCHIVED", EXIT_CODES.usage],
  ["CORRUPT_CHECKPOINT", EXIT_CODES.damaged],
  ["INVALID_ARCHIVE", EXIT_CODES.damaged],
  ["MIGRATION_MISMATCH", EXIT_CODES.damaged],
  ["PRUNE_REFUSED", EXIT_CODES.refused],
  ["LABEL_TAKEN", EXIT_CODES.refused],
  ["THREAD_NOT_EMPTY", EXIT_CODES.refused],
  ["THREAD_DELETED", EXIT_CODES.refused],
  ["STORAGE_REFUSED", EXIT_CODES.unavailable],
  ["STORAGE_UNAVAILABLE", EXIT_CODES.unavailable],
  ["SETUP_FAILED", EXIT_CODES.unavailable],
]);

/** What the library says in terms of its options, in those of the command line. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ["THREAD_ARCHIVED", " On the command line this is --archive-store."],
]);

/**
 * Turns whatever was thrown into what the user sees, without any secret.
 *
 * @param secrets texts that no message may hold, beside what is in connection strings
 */
export function describeFailure(error: unknown, secrets: readonly string[]): DescribedFailure {
  const redact = (text: string): string => redactSecrets(text, secrets);
  if (error instanceof CommandLineError) {
    const { code, message, exitCode } = error;
    return { code, message: redact(message), exitCode, stack: undefined };
  }
  if (error instanceof CommanderError) {
    const message = redact(error.message.replace(/^error: /, "").replace("\n(", " ("));
    const whole = `${message.charAt(0).toUpperCase()}${message.slice(1)}`.replace(/\.*$/, ".");
    return { code: "USAGE", message: whole, exitCode: EXIT_CODES.usage, stack: undefined };
  }
  if (ThreadkeepError.isInstance(error)) {
    const { code, message } = error;
    const advice = ADVICE.get(code) ?? "";
    return {
      code,
      message: redact(`${message}${advice}`),
      exitCode: chooseExitCode(code),
      stack: undefined,
    };
  }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const isOfDriver = name.startsWith("Mongo");
  return {
    code: isOfDriver ? "STORAGE_UNAVAILABLE" : "FAILED",
    message: redact(message),
    exitCode: isOfDriver ? EXIT_CODES.unavailable : EXIT_CODES.failed,
    stack: isOfDriver || stack === undefined ? undefined : redact(stack),
  };
}

function chooseExitCode(code: string): ExitCode {
  if (code.endsWith("_NOT_FOUND")) return EXIT_CODES.notFound;
  return BY_CODE.get(code) ?? EXIT_CODES.failed;
}
