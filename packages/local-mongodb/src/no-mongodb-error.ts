/** One way to a server and why it led nowhere. */
export interface FailedWay {
  readonly way: string;
  readonly reason: string;
}

/** No MongoDB can be had on this machine. The message lists every way and why it failed. */
export class NoMongoDBError extends Error {
  override readonly name = "NoMongoDBError";
  readonly failures: readonly FailedWay[];

  constructor(failures: readonly FailedWay[]) {
    const list = failures.map(({ way, reason }, index) => `${index + 1}. ${way}: ${reason}`);
    super(`No MongoDB to work with. Make any of these work:\n${list.join("\n")}`);
    this.failures = failures;
  }
}
