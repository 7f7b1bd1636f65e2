import { vi } from "vitest";
import type { Handle } from "../network/command-proxy.ts";

/**
 * What time it is for the server, by what it says when it is asked. Only that differs from a real
 * server's: what it does by itself, it does by its own clock.
 */
export class ServerTime {
  #aheadMs = 0;

  /** Milliseconds since 1970. */
  get nowMs(): number {
    return realNow() + this.#aheadMs;
  }

  /** Takes the commands on their way: the server tells this time. */
  readonly handle: Handle = async (command, send) => {
    const reply = await send(command);
    const { localTime } = reply as { readonly localTime?: Date };
    if (localTime === undefined) return reply;
    return { ...reply, localTime: new Date(localTime.getTime() + this.#aheadMs) };
  };

  /** Lets time pass, for the server and for this process. */
  passMinutes(minutes: number): void {
    this.#aheadMs += minutes * 60_000;
    setOwnClock(this.#aheadMs);
  }

  reset(): void {
    this.#aheadMs = 0;
    vi.useRealTimers();
  }
}

/** Sets the clock of this process, which stands still then, and of nothing else. */
export function setOwnClock(aheadMs: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: realNow() + aheadMs });
}

const origin = Date.now() - performance.now();

function realNow(): number {
  return origin + performance.now();
}
