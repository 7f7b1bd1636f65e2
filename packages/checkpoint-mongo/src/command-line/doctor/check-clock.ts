import { formatSpan } from "../terminal/format-time.ts";
import type { Finding, Patient } from "./finding.ts";

/** Times in logs and checkpoint ids are then hard to bring together. */
const MAX_APART_MS = 2_000;

/** How far the clock of this machine is from the server's. */
export async function checkClock({ client }: Patient): Promise<readonly Finding[]> {
  const startMs = Date.now();
  const { localTime } = await client.db("admin").command({ hello: 1 });
  const endMs = Date.now();
  const check = "Clock";
  if (!(localTime instanceof Date)) {
    return [
      {
        check,
        verdict: "problem",
        found: "The server does not tell the time.",
        advice: "What expires goes by the server's clock: savers refuse to work without it.",
      },
    ];
  }
  const apartMs = localTime.getTime() - (startMs + endMs) / 2;
  const size = Math.abs(apartMs);
  const found =
    size < 1_000
      ? `${Math.round(size)} ms from the server's, round trip ${endMs - startMs} ms`
      : `${formatSpan(size)} ${apartMs > 0 ? "behind" : "ahead of"} the server's`;
  if (size - (endMs - startMs) / 2 <= MAX_APART_MS) return [{ check, verdict: "ok", found }];
  return [
    {
      check,
      verdict: "warning",
      found,
      advice: "Threads expire by the server's clock all the same. Synchronize both with NTP.",
    },
  ];
}
