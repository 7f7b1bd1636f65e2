import type { Random } from "../../checkpoint-mongo/differential/random.ts";

/** A state as agents have it: what is said, files, and a value that changes at each step. */
export interface State {
  readonly messages: readonly { readonly role: string; readonly text: string }[];
  readonly files: Readonly<Record<string, string>>;
  readonly note: string;
}

export const FIRST_STATE: State = { messages: [], files: {}, note: "" };

/** With more, the earlier half goes: as where an agent trims what it remembers. */
const MAX_MESSAGES = 40;

/** What a step makes of a state. */
export function nextState(random: Random, { messages, files }: State): State {
  const said = Array.from({ length: random.between(1, 2) }, () => ({
    role: random.pick(["user", "assistant"]),
    text: randomText(random, random.between(20, 600)),
  }));
  const kept = messages.length > MAX_MESSAGES ? messages.slice(MAX_MESSAGES / 2) : messages;
  const edited =
    random.chance(0.05) && kept.length > 0
      ? kept.with(random.between(0, kept.length - 1), said[0]!)
      : kept;
  return {
    messages: [...edited, ...said],
    files: random.chance(0.2) ? changeFile(random, files) : files,
    note: randomText(random, random.between(0, 400)),
  };
}

/** Some are stored as texts cut into chunks, and a few take several commands. */
function changeFile(random: Random, files: State["files"]): State["files"] {
  const text = randomText(random, chooseLength(random));
  return { ...files, [`file-${random.between(0, 5)}`]: text };
}

function chooseLength(random: Random): number {
  if (random.chance(0.04)) return random.between(2_000_000, 3_000_000);
  if (random.chance(0.1)) return random.between(100_000, 300_000);
  return random.between(100, 5_000);
}

/** Text that does not compress. */
export function randomText(random: Random, length: number): string {
  const bytes = Buffer.alloc(Math.ceil((length * 3) / 4));
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    bytes.writeUInt32LE(random.between(0, 0xff_ff_ff_ff), at);
  }
  return bytes.toString("base64").slice(0, length);
}
