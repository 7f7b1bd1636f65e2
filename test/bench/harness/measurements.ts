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
  cpuMsPerTurn: { label: "client CPU a turn", unit: "milliseconds" },
  cpuMsPerTurnLast50: { label: "client CPU a turn, mean of the last 50", unit: "milliseconds" },
  serverCpuMsPerTurn: { label: "server CPU a turn", unit: "milliseconds" },
  getTupleMsP50: { label: "getTuple, median", unit: "milliseconds" },
  coldGetTupleMsP50: { label: "first getTuple of a new process, median", unit: "milliseconds" },
  newSaverGetTupleMsP50: {
    label: "first getTuple of a new saver, same process, median",
    unit: "milliseconds",
  },
  coldGetTupleCommands: { label: "commands of that first getTuple", unit: "count" },
  documentsRead: { label: "documents it read", unit: "count" },
  list50Ms: { label: "list(50), median", unit: "milliseconds" },
  list50Commands: { label: "commands of list(50)", unit: "count" },
  historyMsP50: { label: "getDeltaChannelHistory, median", unit: "milliseconds" },
  historyCommands: { label: "its commands", unit: "count" },
  baseWalkMsP50: { label: "the base class's walk, median", unit: "milliseconds" },
  baseWalkCommands: { label: "commands of that walk", unit: "count" },
  stepsPerSecondOffered: { label: "steps offered", unit: "per second" },
  stepsPerSecond: { label: "of them carried out", unit: "per second" },
  stepMsP50: { label: "step, median", unit: "milliseconds" },
  stepMsP99: { label: "step, 99th percentile", unit: "milliseconds" },
  stepsWaitingMax: { label: "steps waiting at once, most", unit: "count" },
  clientCpuMsPerStep: { label: "CPU a step, both clients", unit: "milliseconds" },
  serverCpuMsPerStep: { label: "CPU a step, server", unit: "milliseconds" },
  stepsPerSecondSustained: { label: "highest rate sustained", unit: "per second" },
  sustainedStepMsP99: { label: "step at that rate, 99th percentile", unit: "milliseconds" },
  setUpCommandsFirst: { label: "set-up commands of the first saver", unit: "count" },
  setUpCommandsLater: { label: "set-up commands of each later one", unit: "count" },
  commandsPerSaver: { label: "commands a saver, all", unit: "count" },
  firstRequestMs: { label: "request of the first saver", unit: "milliseconds" },
  requestMsP50: { label: "request of a later one, median", unit: "milliseconds" },
  warmRequestMsP50: { label: "request of one saver for all, median", unit: "milliseconds" },
  heapUnusedBytes: { label: "heap of an unused saver", unit: "bytes" },
  heapUsedBytes: { label: "heap of a saver after one request", unit: "bytes" },
  snapshotMsMax: { label: "until put returns its promise, longest", unit: "milliseconds" },
  putBlockMsMax: { label: "longest block from then on, until it is done", unit: "milliseconds" },
  getBlockMsMax: { label: "longest block of getTuple, warm", unit: "milliseconds" },
  coldGetBlockMsMax: { label: "longest block of getTuple, new saver", unit: "milliseconds" },
  turnBlockMsMax: { label: "longest block while the turns run", unit: "milliseconds" },
  storeGetMs: { label: "get, median", unit: "milliseconds" },
  storeGetExamined: { label: "documents a get examines, by explain", unit: "count" },
  storeGet20Ms: { label: "batch of 20 gets, median", unit: "milliseconds" },
  storePutMs: { label: "put of an item that is there, median", unit: "milliseconds" },
  storeSearchMs: { label: "search of one user's, with a filter, median", unit: "milliseconds" },
  storeListMs: { label: "listNamespaces of all, limit 100, median", unit: "milliseconds" },
  storeListPrefixMs: { label: "listNamespaces of one user's, median", unit: "milliseconds" },
  pruneMs: { label: "prune", unit: "milliseconds" },
  bytesBefore: { label: "stored before the prune", unit: "bytes" },
  putMsP50Alone: { label: "put of the writer alone, median", unit: "milliseconds" },
  putMsP99Alone: { label: "put of the writer alone, 99th percentile", unit: "milliseconds" },
  putMsMaxAlone: { label: "slowest of as many puts alone", unit: "milliseconds" },
  putMsP50Beside: { label: "put beside the prune, median", unit: "milliseconds" },
  putMsP99Beside: { label: "put beside the prune, 99th percentile", unit: "milliseconds" },
  putMsMaxBeside: { label: "slowest put beside the prune", unit: "milliseconds" },
  stepsLost: { label: "steps lost", unit: "count" },
  turnMsMean: { label: "turn with keepLast, mean", unit: "milliseconds" },
  turnMsMeanWithout: { label: "turn without, mean", unit: "milliseconds" },
  commandsPerTurnWithout: { label: "commands a turn without", unit: "count" },
  historyBytesTenth: { label: "checkpoints and writes after a tenth", unit: "bytes" },
  historyBytesEnd: { label: "checkpoints and writes at the end", unit: "bytes" },
  segmentBytes: { label: "contents, also those that wait for a sweep", unit: "bytes" },
  bytesWithout: { label: "stored without keepLast", unit: "bytes" },
  searchStatusMs: { label: "search by status, median", unit: "milliseconds" },
  searchMetadataMs: { label: "search by metadata, median", unit: "milliseconds" },
  searchBothMs: { label: "search by both, median", unit: "milliseconds" },
  searchExaminedMax: { label: "documents a search examines, most", unit: "count" },
  copyMs: { label: "copy", unit: "milliseconds" },
  copyCommands: { label: "commands of the copy", unit: "count" },
  copyBytes: { label: "stored by the copy", unit: "bytes" },
  sourceBytes: { label: "stored of the source", unit: "bytes" },
  archiveBytes: { label: "size of the archive", unit: "bytes" },
  exportMsP50: { label: "export, median", unit: "milliseconds" },
  importMsP50: { label: "import, median", unit: "milliseconds" },
  exportedMb: { label: "MB exported", unit: "per second" },
  importedMb: { label: "MB imported", unit: "per second" },
  memoryOverStartBytes: { label: "peak memory above the start, while putting", unit: "bytes" },
  peakMemoryBytes: { label: "peak memory of the process", unit: "bytes" },
} as const satisfies Record<string, Measurement>;

export type MeasurementName = keyof typeof measurements;

/** The figures of one case. What a case does not measure is left out. */
export type Measurements = Partial<Record<MeasurementName, number>>;

/** The names in table order. */
export const measurementNames = Object.keys(measurements) as MeasurementName[];
