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
 * Shows a bar on `stderr`, if that is a terminal.
 *
 * @param what the plural of what is counted
 */
export async function showProgress(
  { streams: { stderr, stdin } }: Terminal,
  what: string,
  total: number,
): Promise<Progress> {
  if (!stderr.isTTY || total === 0) return UNSEEN;
  const { SingleBar } = await import("cli-progress");
  const bar = new SingleBar({
    stream: stderr,
    format: `{bar} {value}/{total} ${what}, {eta_formatted} left`,
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
}

/** Takes all bars off the terminal and shows the cursor again. */
export function stopAllProgress(): void {
  for (const progress of shown) progress.stop();
}
