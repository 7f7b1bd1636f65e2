import type { CallJournal, JournalWrite } from "@threadkeep/resilient-llm";

/** It never settles. */
export const endless: Promise<never> = Promise.withResolvers<never>().promise;

/** A journal as a process has it that dies: from then on it sends nothing. */
export function makeMortal(journal: CallJournal): CallJournal & { die(): void } {
  let isDead = false;
  return {
    open: (...args) => (isDead ? endless : journal.open(...args)),
    write: (...args) => (isDead ? endless : journal.write(...args)),
    deleteThread: (threadId) => journal.deleteThread(threadId),
    die: () => {
      isDead = true;
    },
  };
}

/** A journal whose writes of one kind wait until they are let through. */
export function holdWrites(
  journal: CallJournal,
  kind: JournalWrite["kind"],
): CallJournal & { readonly held: number; release(): void } {
  let held = 0;
  const { promise: gate, resolve: release } = Promise.withResolvers<void>();
  return {
    open: (...args) => journal.open(...args),
    write: async (key, claim, write) => {
      if (write.kind === kind) {
        held += 1;
        await gate;
      }
      return journal.write(key, claim, write);
    },
    deleteThread: (threadId) => journal.deleteThread(threadId),
    get held() {
      return held;
    },
    release: () => release(),
  };
}
