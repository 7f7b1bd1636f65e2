import { sleep } from "../time/sleep.ts";
import { isBackground, readUrl } from "./is-background.ts";
import { isFields, type Fields } from "./normalize-message.ts";
import { ResumedEvents } from "./resumed-events.ts";
import { wireWatchKey, type WireWatch } from "./wire-watch.ts";

type Fetch = typeof globalThis.fetch;

/** How often in a row a stream that breaks off is picked up before the attempt fails. */
const MAX_PICK_UPS = 5;
/** The pause before the first of them, in ms. It doubles with each. */
const FIRST_PAUSE_MS = 250;
/** A response that cannot be streamed is looked at again after so many ms. */
const POLL_MS = 2_000;

const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
const TIMEOUT = 408;
const TOO_MANY_REQUESTS = 429;
const SERVER_ERROR = 500;

/** Whether a status says that there is no such response, or no stream of it. Others say nothing about it. */
function isLost(status: number): boolean {
  const isPassing = [UNAUTHORIZED, FORBIDDEN, TIMEOUT, TOO_MANY_REQUESTS].includes(status);
  return status < SERVER_ERROR && !isPassing;
}

function isRunning({ status }: Fields): boolean {
  return status === "queued" || status === "in_progress";
}

/** A response that is made in the background, and the requests that are about it. */
class BackgroundResponse {
  readonly #fetch: Fetch;
  readonly #url: string;
  readonly #init: RequestInit;
  readonly #watch: WireWatch;

  constructor(fetch: Fetch, url: string, init: RequestInit, watch: WireWatch) {
    const { body: _, method: __, ...others } = init;
    this.#fetch = fetch;
    this.#url = url;
    this.#init = others;
    this.#watch = watch;
  }

  /** Its events from the first one, or from the one after `startingAfter`. */
  stream(id: string, startingAfter?: number): Promise<Response> {
    const url = this.#locate(id);
    url.searchParams.set("stream", "true");
    if (startingAfter !== undefined) {
      url.searchParams.set("starting_after", String(startingAfter));
    }
    return this.#fetch(url.href, { ...this.#init, method: "GET" });
  }

  /** Its events from the one after the last of `events`. `undefined`: the provider cannot be reached. */
  async tryStream({ cursor, id = "" }: ResumedEvents): Promise<Response | undefined> {
    try {
      return await this.stream(id, cursor);
    } catch {
      return undefined;
    }
  }

  /** The response as a whole, once it is at its end. `undefined`: it is not there, or came to nothing. */
  async retrieve(id: string): Promise<Response | undefined> {
    const { clock, signal } = this.#watch;
    for (;;) {
      const response = await this.#fetch(this.#locate(id).href, { ...this.#init, method: "GET" });
      if (!response.ok) return isLost(response.status) ? undefined : response;
      const body = await response.text();
      const parsed: unknown = JSON.parse(body);
      if (!isFields(parsed) || parsed["status"] === "failed" || parsed["status"] === "cancelled") {
        return undefined;
      }
      const { headers } = response;
      if (!isRunning(parsed)) return new Response(body, { headers });
      await sleep(clock, POLL_MS, signal);
    }
  }

  /** Ends it: nobody wants the rest, and it would be paid for. */
  cancel(id: string): void {
    const url = this.#locate(id);
    url.pathname += "/cancel";
    const { signal: _, ...init } = this.#init;
    this.#fetch(url.href, { ...init, method: "POST" }).then(
      (response) => response.body?.cancel(),
      () => undefined,
    );
  }

  #locate(id: string): URL {
    const url = new URL(this.#url);
    url.pathname += `/${encodeURIComponent(id)}`;
    return url;
  }
}

/** Waits before a stream is picked up. Returns whether it may be. */
async function pause({ clock, signal }: WireWatch, pickUps: number): Promise<boolean> {
  if (signal.aborted || pickUps >= MAX_PICK_UPS) return false;
  await sleep(clock, FIRST_PAUSE_MS * 2 ** pickUps, signal);
  return true;
}

/**
 * Follows the stream of a background response over as many connections as it takes: after a break it goes on with
 * the event after the last one that came whole.
 *
 * @param knownId The response's id, if it was begun before. Otherwise its first event tells it.
 */
function follow(
  first: Response,
  background: BackgroundResponse,
  watch: WireWatch,
  knownId: string | undefined,
): Response {
  const { keeping, signal } = watch;
  const events = new ResumedEvents(knownId);
  let reader = first.body?.getReader();
  let pickUps = 0;
  const onAbort = () => {
    const { id } = events;
    if (id === undefined || events.isOver) return;
    background.cancel(id);
    keeping?.noteResponse(undefined);
  };
  signal.addEventListener("abort", onAbort, { once: true });

  const pickUp = async (error: unknown): Promise<void> => {
    events.breakOff();
    while (await pause(watch, pickUps)) {
      pickUps += 1;
      const next = await background.tryStream(events);
      if (next?.ok) {
        reader = next.body?.getReader();
        return;
      }
      await next?.body?.cancel();
      if (next && isLost(next.status)) break;
    }
    // The response may go on all the same. The next attempt, or process, picks it up.
    signal.removeEventListener("abort", onAbort);
    throw error;
  };

  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          let broken: unknown = new TypeError("terminated");
          const piece = await reader?.read().catch((error: unknown) => {
            broken = error;
            return undefined;
          });
          const whole = piece?.value && events.push(piece.value);
          if (events.id !== undefined) keeping?.noteResponse(events.isOver ? undefined : events.id);
          if (whole) {
            pickUps = 0;
            controller.enqueue(whole);
            return;
          }
          if (piece && !piece.done) continue;
          // Without its id it is a stream like any other.
          if (events.isOver || events.id === undefined) {
            signal.removeEventListener("abort", onAbort);
            const rest = events.takeRest();
            if (rest) controller.enqueue(rest);
            if (piece) controller.close();
            else controller.error(broken);
            return;
          }
          await pickUp(broken);
        }
      },
      cancel: (reason) => reader?.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  const { headers, status, statusText } = first;
  return new Response(body, { headers, status, statusText });
}

/** A response that came as a whole is waited for, if it has only begun. */
async function awaitWhole(first: Response, background: BackgroundResponse): Promise<Response> {
  const body = await first.text();
  const { headers, status, statusText } = first;
  const asItCame = new Response(body, { headers, status, statusText });
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // Whoever inspects the body says what is wrong with it.
    return asItCame;
  }
  if (!isFields(parsed) || !isRunning(parsed)) return asItCame;
  return (await background.retrieve(String(parsed["id"]))) ?? asItCame;
}

/** What is left of a response that was begun before. `undefined`: nothing. */
async function pickUpBegun(
  id: string,
  background: BackgroundResponse,
): Promise<Response | undefined> {
  // From the first event: what came before in this call may be known in part only, and nobody has seen it.
  const streamed = await background.stream(id);
  if (streamed.ok || !isLost(streamed.status)) return streamed;
  await streamed.body?.cancel();
  return background.retrieve(id);
}

/**
 * A `fetch` for responses that a provider makes in the background (OpenAI's `background: true`): a stream that breaks
 * off is picked up where it broke off, and a response that an earlier attempt or process has begun is picked up
 * instead of another one being asked for. When nobody wants it any more it is cancelled.
 */
export function createBackgroundFetch(
  innerFetch: Fetch = (...args) => globalThis.fetch(...args),
): Fetch {
  return async (input, init) => {
    const watch = (init as { [wireWatchKey]?: WireWatch } | undefined)?.[wireWatchKey];
    if (!watch || !isBackground(input, init)) return innerFetch(input, init);
    const background = new BackgroundResponse(innerFetch, readUrl(input), init, watch);
    const { keeping } = watch;
    let knownId = keeping?.responseId;
    let response: Response | undefined;
    if (keeping && knownId !== undefined) {
      response = await pickUpBegun(knownId, background);
      if (response?.ok) {
        keeping.notePickedUp("provider");
      } else if (!response) {
        keeping.noteLost();
        knownId = undefined;
      }
    }
    response ??= await innerFetch(input, init);
    if (!response.ok) return response;
    const isJson = /json/i.test(response.headers.get("content-type") ?? "");
    return isJson ? awaitWhole(response, background) : follow(response, background, watch, knownId);
  };
}
