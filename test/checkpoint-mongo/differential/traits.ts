/** What a program may have. */
export interface Traits {
  /** Nodes that fail. */
  readonly fails: boolean;
  /** Graphs that have subgraphs. */
  readonly nests: boolean;
}

/**
 * A failure stops what runs beside it, and how far a subgraph has come by then depends on how fast
 * the saver is. Where nodes fail, graphs with subgraphs run one node at a time.
 */
export function runsOneByOne({ fails, nests }: Traits): boolean {
  return fails && nests;
}
