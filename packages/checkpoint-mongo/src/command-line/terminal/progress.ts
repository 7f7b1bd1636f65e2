import type { Terminal } from "./terminal.ts";

/** The progress of long work. */
export interface Progress {
  /** So much more is done. */
  advance(count?: number): void;
  /** There is more to do than was thought. */
  setTotal(total: number): void;
  /** Takes the bar off the terminal. */
  stop(): void;
}

/** Bars that are on the terminal now: whoever ends the process takes them off. */
const shown = new Set<Progress>();

/** Where nobody looks, there is no progress to be seen. */
const UNSEEN: Progress = {
  advance: () => undefined,
  setTotal: () => undefined,
  stop: () => undefined,
};

/**
 * Shows a bar.
 *
 * @param what the plural of what is counted
 * @param format how the numbers are written
 */
export type StartProgress = (
  what: string,
  total: number,
  format?: (value: number) => string,
) => Progress;

/** Shows a bar on `stderr`, if that is a terminal. */
export async function showProgress(
  terminal: Terminal,
  ...args: Parameters<StartProgress>
): Promise<Progress> {
  const [, total] = args;
  return total === 0 ? UNSEEN : (await loadProgress(terminal))(...args);
}

/** For who does not know yet how much there is to do. */
export async function loadProgress({
  streams: { stderr, stdin },
}: Terminal): Promise<StartProgress> {
  if (!stderr.isTTY) return () => UNSEEN;
  const { SingleBar } = await import("cli-progress");
  return (what, total, format = String) => {
    const bar = new SingleBar({
      stream: stderr,
      format: `{bar} {value}/{total}${what === "" ? "" : ` ${what}`}, {eta_formatted} left`,
      formatValue: (value, _options, type) =>
        type === "value" || type === "total" ? format(value) : String(value),
      barCompleteChar: "█",
      barIncompleteChar: "░",
      barsize: 24,
      fps: 8,
      hideCursor: true,
      clearOnComplete: true,
      // It would listen for signals itself.
      gracefulExit: false,
      noTTYOutput: !stdin.isTTY && !stderr.isTTY,
    });
    bar.start(total, 0);
    const progress: Progress = {
      advance: (count = 1) => bar.increment(count),
      setTotal: (more) => bar.setTotal(Math.max(more, bar.getTotal())),
      stop: () => {
        bar.stop();
        shown.delete(progress);
      },
    };
    shown.add(progress);
    return progress;
  };
}

/** Takes all bars off the terminal and shows the cursor again. */
export function stopAllProgress(): void {
  for (const progress of shown) progress.stop();
}
