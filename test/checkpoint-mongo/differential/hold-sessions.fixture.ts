/**
 * Holds the sessions of some seeds, side by side, from where they are; ends itself at the given call
 * of the saver, as SIGKILL does.
 */
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { RelayingSaver, type SaverCall } from "./relaying-saver.ts";
import { holdSession, makeSession } from "./session.ts";

const [uri, dbName, seeds, endAt] = process.argv.slice(2);
await using saver = MongoDBSaver.fromConnString(uri!, { dbName });

class DyingSaver extends RelayingSaver {
  private calls = 0;

  protected override async relay<T>({ make }: SaverCall<T>): Promise<T> {
    this.calls += 1;
    if (this.calls === Number(endAt)) process.kill(process.pid, "SIGKILL");
    return make(saver);
  }
}

const dying = new DyingSaver();
await Promise.all(
  seeds!.split(",").map(async (seed) => {
    await holdSession(makeSession(Number(seed))!, dying, `session-${seed}`);
  }),
);
