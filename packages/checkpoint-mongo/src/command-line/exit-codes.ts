/** What the exit code of the program says. A code never changes its meaning. */
export const EXIT_CODES = {
  /** All that was asked for was done. */
  done: 0,
  /** Something failed that none of the others names. */
  failed: 1,
  /** The command line, the environment or the file of `--config` is wrong. Nothing was done. */
  usage: 2,
  /** A thread, checkpoint or label that was named is not there. */
  notFound: 3,
  /** `verify` found damage, a damaged document stood in the way, or `doctor` found a problem. */
  damaged: 4,
  /** Nothing was changed: the question was not answered with yes, or something would be lost. */
  refused: 5,
  /** The database or the archive store cannot be reached, or refuses what was asked of it. */
  unavailable: 6,
  /** Ended by Ctrl-C. */
  interrupted: 130,
  /** Ended by SIGTERM. */
  terminated: 143,
} as const;

/** One of the exit codes. */
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];
