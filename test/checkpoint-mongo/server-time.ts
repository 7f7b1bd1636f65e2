import type { Db, Document, MongoClient } from "mongodb";
import { vi } from "vitest";

/**
 * What time it is for the servers of some clients, by what they say when they are asked. Only that
 * differs from a real server's: what it does by itself, it does by its own clock.
 */
export class ServerTime {
  #aheadMs = 0;

  /** Milliseconds since 1970. */
  get nowMs(): number {
    return realNow() + this.#aheadMs;
  }

  /** Lets the server of a client tell this time from now on. */
  govern(client: MongoClient): void {
    const open = client.db.bind(client);
    const change = (db: Db): Db => {
      const openAdmin = db.admin.bind(db);
      const admin = () => {
        const opened = openAdmin();
        const send = opened.command.bind(opened);
        const command = async (request: Document) => {
          const reply: Document = await send(request);
          const { localTime } = reply as { localTime?: Date };
          if (localTime === undefined) return reply;
          return { ...reply, localTime: new Date(localTime.getTime() + this.#aheadMs) };
        };
        return Object.assign(opened, { command });
      };
      return Object.assign(db, { admin });
    };
    Object.assign(client, {
      db: (...parameters: Parameters<MongoClient["db"]>) => change(open(...parameters)),
    });
  }

  /** Lets time pass, for the servers and for this process. */
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
