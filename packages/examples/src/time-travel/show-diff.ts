import type { BaseMessage } from "@langchain/core/messages";
import type { CheckpointDiff } from "@threadkeep/checkpoint-mongo";

/** Prints what is different, a line for each value: `-` only here, `+` only there. */
export function showDiff({ channels }: CheckpointDiff): void {
  if (channels.length === 0) console.log("nothing is different");
  for (const difference of channels) {
    console.log(`${difference.channel}:`);
    const print = (sign: string, value: unknown) => console.log(`  ${sign} ${describe(value)}`);
    switch (difference.change) {
      case "items":
        for (const value of difference.removed) print("-", value);
        for (const { before, after } of difference.changed) {
          print("-", before);
          print("+", after);
        }
        for (const value of [...difference.inserted, ...difference.appended]) print("+", value);
        break;
      case "added":
        print("+", difference.after);
        break;
      case "removed":
        print("-", difference.before);
        break;
      case "changed":
        print("-", difference.before);
        print("+", difference.after);
        break;
      case "unstored":
        console.log("  (only the graph can make its value)");
    }
  }
}

function describe(value: unknown): string {
  const { text } = (value ?? {}) as Partial<BaseMessage>;
  return typeof text === "string" ? text : JSON.stringify(value);
}
