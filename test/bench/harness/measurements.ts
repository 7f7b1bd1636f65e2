/** How a figure is shown. */
export type Unit = "bytes" | "count" | "milliseconds" | "per second";

/** A kind of figure. */
export interface Measurement {
  /** What it is called in a table. */
  readonly label: string;
  readonly unit: Unit;
}

/** Every figure a benchmark can give, in the order in which tables show them. */
export const measurements = {
  bytesStored: { label: "stored", unit: "bytes" },
  contentBytes: { label: "content given to the graph", unit: "bytes" },
  stateBytes: { label: "size of the state", unit: "bytes" },
  firstPutBytes: { label: "stored by the first put", unit: "bytes" },
  laterPutBytesP50: { label: "stored by a later put, median", unit: "bytes" },
  laterPutBytesMax: { label: "stored by a later put, most", unit: "bytes" },
  putMsP50: { label: "later put, median", unit: "milliseconds" },
  turnsPerSecond: { label: "turns per second", unit: "per second" },
  turnMsP50: { label: "turn, median", unit: "milliseconds" },
  turnMsP99: { label: "turn, 99th percentile", unit: "milliseconds" },
  turnMsP50Last10: { label: "turn, median of the last 10", unit: "milliseconds" },
  commandsPerTurn: { label: "commands a turn", unit: "count" },
  getTupleMsP50: { label: "getTuple, median", unit: "milliseconds" },
  coldGetTupleMsP50: { label: "first getTuple of a new process, median", unit: "milliseconds" },
  newSaverGetTupleMsP50: {
    label: "first getTuple of a new saver, same process, median",
    unit: "milliseconds",
  },
  coldGetTupleCommands: { label: "commands of that first getTuple", unit: "count" },
  segmentsRead: { label: "segments it read", unit: "count" },
  list50Ms: { label: "list(50), median", unit: "milliseconds" },
  list50Commands: { label: "commands of list(50)", unit: "count" },
  historyMsP50: { label: "getDeltaChannelHistory, median", unit: "milliseconds" },
  historyCommands: { label: "its commands", unit: "count" },
  baseWalkMsP50: { label: "the base class's walk, median", unit: "milliseconds" },
  baseWalkCommands: { label: "commands of that walk", unit: "count" },
  storeGetMs: { label: "get, median", unit: "milliseconds" },
  storeGetExamined: { label: "documents a get examines, by explain", unit: "count" },
  storeGet20Ms: { label: "batch of 20 gets, median", unit: "milliseconds" },
  storePutMs: { label: "put of an item that is there, median", unit: "milliseconds" },
  storeSearchMs: { label: "search of one user's, with a filter, median", unit: "milliseconds" },
  storeListMs: { label: "listNamespaces of all, limit 100, median", unit: "milliseconds" },
  storeListPrefixMs: { label: "listNamespaces of one user's, median", unit: "milliseconds" },
  memoryOverStartBytes: { label: "peak memory above the start, while putting", unit: "bytes" },
  peakMemoryBytes: { label: "peak memory of the process", unit: "bytes" },
} as const satisfies Record<string, Measurement>;

export type MeasurementName = keyof typeof measurements;

/** The figures of one case. What a case does not measure is left out. */
export type Measurements = Partial<Record<MeasurementName, number>>;

/** The names in table order. */
export const measurementNames = Object.keys(measurements) as MeasurementName[];
