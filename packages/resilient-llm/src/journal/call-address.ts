/** The task that makes a call, as far as it is the same when the task runs again. */
export interface CallAddress {
  readonly threadId: string;
  readonly namespace: string;
  readonly checkpointId: string;
  readonly taskId: string;
  /**
   * What is the same for all calls of one run of the task, and another object when it runs again.
   * `undefined`: the caller has named the task, and makes each call of that name once.
   */
  readonly execution: TaskExecution | undefined;
}

/** One run of a task in this process. */
export interface TaskExecution {
  readonly scratchpad: object;
  /** LangGraph's count of the attempts at the node. Its retries share the scratchpad. */
  readonly attempt: number;
}

/** What a call's config holds, as LangChain hands it to a model. */
export interface CallConfig {
  readonly configurable?: Readonly<Record<string, unknown>> | undefined;
  readonly executionInfo?: unknown;
}

/** The task as the call option `journal` names it. */
export interface NamedTask {
  /** The name. The same name and the same prompt in one thread get one answer. */
  readonly task: string;
}

function readText(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function readFields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** The namespace of the graph in which the task of `namespace` runs. */
function readParent(namespace: string): string {
  return namespace.split("|").slice(0, -1).join("|");
}

/**
 * Where a call is made, as LangGraph's config says it. The task's id is a hash of the checkpoint, the
 * namespace, the step and the node, so it is the same when the task runs again after a crash, and another one
 * in each later step, fork and replay.
 *
 * `undefined`: outside of a thread, or of a task that is known, an answer cannot be asked for twice in a way
 * that shows.
 */
export function readCallAddress(
  { configurable = {}, executionInfo }: CallConfig,
  named: NamedTask | undefined,
): CallAddress | undefined {
  const threadId = readText(configurable["thread_id"]);
  if (threadId === undefined) return undefined;
  const namespace = readText(configurable["checkpoint_ns"]) ?? "";
  const map = readFields(configurable["checkpoint_map"]);
  const checkpointId = readText(map[readParent(namespace)]) ?? "";
  if (named) {
    const taskId = `named:${named.task}`;
    return { threadId, namespace: "", checkpointId: "", taskId, execution: undefined };
  }
  const taskId = readText(configurable["__pregel_task_id"]);
  const scratchpad = configurable["__pregel_scratchpad"];
  if (taskId === undefined || typeof scratchpad !== "object" || scratchpad === null) {
    return undefined;
  }
  const { nodeAttempt } = readFields(executionInfo);
  const attempt = typeof nodeAttempt === "number" ? nodeAttempt : 1;
  return { threadId, namespace, checkpointId, taskId, execution: { scratchpad, attempt } };
}
