/** How long the end of the process waits for the last entries, in ms. */
const LAST_WRITES_MS = 1_000;

/** What is shared by all copies of this package in a process: two listeners would wait for each other. */
interface EmergencyWrites {
  readonly open: Set<() => Promise<unknown>>;
  listener: (() => void) | undefined;
}

const KEY = Symbol.for("threadkeep.emergency-writes");

function share(): EmergencyWrites {
  const holder = globalThis as { [KEY]?: EmergencyWrites };
  return (holder[KEY] ??= { open: new Set(), listener: undefined });
}

async function writeAll({ open }: EmergencyWrites): Promise<void> {
  const timer = new Promise<void>((resolve) => {
    setTimeout(resolve, LAST_WRITES_MS).unref();
  });
  await Promise.race([Promise.allSettled(Array.from(open, (write) => write())), timer]);
}

/**
 * Has `write` called if the process gets SIGTERM before the returned function is called. A process that
 * listens to SIGTERM itself decides when it ends. Any other one ends after the writes, as it would have ended
 * without this listener.
 */
export function writeOnSigterm(write: () => Promise<unknown>): () => void {
  const shared = share();
  shared.open.add(write);
  if (!shared.listener) {
    const listener = (): void => {
      const isAlone = process.listenerCount("SIGTERM") === 1;
      void writeAll(shared).then(() => {
        if (!isAlone) return;
        process.removeListener("SIGTERM", listener);
        process.kill(process.pid, "SIGTERM");
      });
    };
    shared.listener = listener;
    process.on("SIGTERM", listener);
  }
  return () => {
    shared.open.delete(write);
    if (shared.open.size > 0 || !shared.listener) return;
    process.removeListener("SIGTERM", shared.listener);
    shared.listener = undefined;
  };
}
