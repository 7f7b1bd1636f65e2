/** How the server of a run is reached, for all savers alike. */
export interface Mode {
  /** Whether one command may write to several collections, as MongoDB 8.0 can. */
  readonly clientBulkWrite: boolean;
  /** Milliseconds added to each round trip; 0 for none. */
  readonly rttMs: number;
}

/** A server as it is. */
export const PLAIN_MODE: Mode = { clientBulkWrite: true, rttMs: 0 };

/**
 * What sets a mode apart, for people: "without client bulkWrite, 2 ms added to a round trip". Empty for
 * {@link PLAIN_MODE}, and for results from before there were modes.
 */
function describeMode({ clientBulkWrite, rttMs }: Mode = PLAIN_MODE): string {
  return [
    ...(clientBulkWrite ? [] : ["without client bulkWrite"]),
    ...(rttMs === 0 ? [] : [`${rttMs} ms added to a round trip`]),
  ].join(", ");
}

/** A name and its mode, as a title. */
export function titleOf(name: string, mode: Mode | undefined): string {
  return [name, describeMode(mode)].filter(Boolean).join(", ");
}
