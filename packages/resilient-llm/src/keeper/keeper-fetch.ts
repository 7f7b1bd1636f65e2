import { randomUUID } from "node:crypto";
import { isBackground, readUrl } from "../wire/is-background.ts";
import { wireWatchKey, type WireWatch } from "../wire/wire-watch.ts";
import { type Keeper, KeeperUnavailable, type RelayedAnswer } from "./keeper.ts";

type Fetch = typeof globalThis.fetch;

/** What goes with a request beside itself and cannot go to another process: a dispatcher, an agent. */
function findForeign(init: RequestInit): string | undefined {
  return ["dispatcher", "agent", "client", "tls", "proxy"].find(
    (name) => (init as Record<string, unknown>)[name] !== undefined,
  );
}

/**
 * A `fetch` that has requests made by a keeper, if a journaled call makes them, and picks up what it keeps of them.
 *
 * @param innerFetch The user's own, which another process does not have: the keeper is not used.
 */
export function createKeeperFetch(innerFetch: Fetch | undefined, keeper: Keeper): Fetch {
  const askDirectly: Fetch = innerFetch ?? ((...args) => globalThis.fetch(...args));
  return async (input, init) => {
    const watch = (init as { [wireWatchKey]?: WireWatch } | undefined)?.[wireWatchKey];
    const keeping = watch?.keeping;
    // What a provider makes in the background, it keeps itself.
    if (!keeping || typeof init?.body !== "string" || isBackground(input, init)) {
      return askDirectly(input, init);
    }
    const foreign = innerFetch ? "fetch" : findForeign(init);
    if (foreign !== undefined) {
      const why = `The keeper cannot make a request with a ${foreign} of your own`;
      keeping.noteKeeperFailed(new KeeperUnavailable(why));
      return askDirectly(input, init);
    }
    const { after, callId, candidate, hasPart: isForKept } = keeping;
    const headers = Object.fromEntries(new Headers(init.headers));
    const id = randomUUID();
    const order = {
      id,
      candidate,
      after,
      isForKept,
      url: readUrl(input),
      headers,
      body: init.body,
    };
    const { signal } = watch;
    // Nobody wants the rest. The end of this process, however, would leave it to the next one.
    signal.addEventListener("abort", () => keeper.forget(callId, id), { once: true });
    let answer: RelayedAnswer | undefined;
    try {
      answer = await keeper.relay(callId, order, signal);
    } catch (error) {
      if (!(error instanceof KeeperUnavailable)) throw error;
      keeping.noteKeeperFailed(error);
    }
    if (answer?.head.isPickedUp) keeping.notePickedUp("keeper");
    else keeping.noteLost();
    if (!answer) return askDirectly(input, init);
    const { headers: received, number, status, statusText } = answer.head;
    if (number > 0) keeping.noteNumber(number);
    return new Response(answer.body, { status, statusText, headers: received });
  };
}
