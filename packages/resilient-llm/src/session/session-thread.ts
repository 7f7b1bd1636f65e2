import type { BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  type BaseCheckpointSaver,
  type ChannelVersions,
  type CheckpointMetadata,
  type CheckpointTuple,
  emptyCheckpoint,
  maxChannelVersion,
  uuid6,
} from "@langchain/langgraph-checkpoint";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { SessionChangedError } from "../errors/session-changed-error.ts";

/** How far a list of steps has come. */
export interface RunProgress {
  /** The names of all steps. */
  readonly steps: readonly string[];
  /** What the steps returned that are done. */
  readonly results: readonly unknown[];
}

/** What a session consists of. */
export interface SessionParts {
  readonly messages: readonly BaseMessage[];
  readonly variables: Readonly<Record<string, unknown>>;
  /** By the name of the run. */
  readonly runs: Readonly<Record<string, RunProgress>>;
}

/** What a checkpoint of a session was stored for. */
export type SessionMoment = "question" | "answer" | "variables" | "steps" | "restore" | "rollback";

/** A stored state of a session. */
export interface StoredSession extends SessionParts {
  readonly checkpointId: string;
  readonly moment: SessionMoment | undefined;
  /** So many messages at the end wait for an answer. */
  readonly unanswered: number;
  readonly tuple: CheckpointTuple | undefined;
}

/** The channels of a session's thread. A graph with the channel `messages` reads the same conversation. */
const CHANNELS = { messages: "messages", variables: "variables", runs: "session_runs" } as const;

/** The state of a session that has not begun. */
const NOTHING: StoredSession = {
  messages: [],
  variables: {},
  runs: {},
  checkpointId: "",
  moment: undefined,
  unanswered: 0,
  tuple: undefined,
};

/** What this package notes in a checkpoint's metadata. */
interface SessionNote {
  readonly moment: SessionMoment;
  readonly unanswered: number;
}

function readState(tuple: CheckpointTuple | undefined): StoredSession {
  if (!tuple) return NOTHING;
  const { channel_values: values, id } = tuple.checkpoint;
  const { session } = (tuple.metadata ?? {}) as { readonly session?: SessionNote };
  return {
    messages: (values[CHANNELS.messages] ?? []) as BaseMessage[],
    variables: (values[CHANNELS.variables] ?? {}) as Record<string, unknown>,
    runs: (values[CHANNELS.runs] ?? {}) as Record<string, RunProgress>,
    checkpointId: id,
    moment: session?.moment,
    unanswered: session?.unanswered ?? 0,
    tuple,
  };
}

/** The thread of a session: its states, one checkpoint each. */
export class SessionThread {
  readonly #checkpointer: BaseCheckpointSaver;
  readonly #sessionId: string;

  constructor(checkpointer: BaseCheckpointSaver, sessionId: string) {
    this.#checkpointer = checkpointer;
    this.#sessionId = sessionId;
  }

  /** The latest state. */
  async readLatest(): Promise<StoredSession> {
    return readState(await this.#checkpointer.getTuple(this.#configure()));
  }

  /**
   * The state of a checkpoint.
   *
   * @throws InvalidOptionsError if this session has no such checkpoint
   */
  async read(checkpointId: string): Promise<StoredSession> {
    const tuple = await this.#checkpointer.getTuple(this.#configure(checkpointId));
    if (tuple) return readState(tuple);
    throw new InvalidOptionsError(
      `The session ${JSON.stringify(this.#sessionId)} has no checkpoint ${JSON.stringify(checkpointId)}.` +
        " The ids of its checkpoints are in what its methods return.",
    );
  }

  /** The state before. */
  async readParent({ tuple }: StoredSession): Promise<StoredSession> {
    const parent = tuple?.parentConfig;
    return readState(parent && (await this.#checkpointer.getTuple(parent)));
  }

  /**
   * Stores the next state.
   *
   * @param before the state that it was made of
   * @throws SessionChangedError if that is not the latest any more
   */
  async save(
    before: StoredSession,
    changes: Partial<SessionParts>,
    note: SessionNote,
  ): Promise<StoredSession> {
    const latest = await this.#checkpointer.getTuple(this.#configure());
    if ((latest?.checkpoint.id ?? "") !== before.checkpointId) {
      throw new SessionChangedError(this.#sessionId);
    }
    return await this.#put(before, before, changes, note);
  }

  /**
   * Makes an earlier state the latest. What came after it stays in the thread's history.
   *
   * @param target the state
   */
  async goBack(target: StoredSession): Promise<StoredSession> {
    const latest = await this.readLatest();
    const { messages, runs, unanswered, variables } = target;
    const note = { moment: "rollback", unanswered } as const;
    return await this.#put(target, latest, { messages, runs, variables }, note);
  }

  /** @param latest where versions go on from: those of a state that was left must not come again */
  async #put(
    parent: StoredSession,
    latest: StoredSession,
    changes: Partial<SessionParts>,
    session: SessionNote,
  ): Promise<StoredSession> {
    const { messages, runs, variables } = { ...parent, ...changes };
    const step = Math.max(readStep(parent), readStep(latest)) + 1;
    const before = parent.tuple?.checkpoint ?? emptyCheckpoint();
    const known = Object.values(latest.tuple?.checkpoint.channel_versions ?? {});
    const version = this.#checkpointer.getNextVersion(
      known.length === 0 ? undefined : (maxChannelVersion(...known) as number),
    );
    const names = (Object.keys(CHANNELS) as (keyof SessionParts)[]).filter(
      (part) => parent.tuple === undefined || part in changes,
    );
    const versions: ChannelVersions = Object.fromEntries(
      names.map((part) => [CHANNELS[part], version]),
    );
    const checkpoint = {
      ...before,
      id: uuid6(step),
      ts: new Date().toISOString(),
      channel_values: {
        ...before.channel_values,
        [CHANNELS.messages]: [...messages],
        [CHANNELS.variables]: { ...variables },
        [CHANNELS.runs]: { ...runs },
      },
      channel_versions: { ...before.channel_versions, ...versions },
    };
    const metadata = { source: "update", step, parents: {}, session } as CheckpointMetadata;
    const config = parent.tuple?.config ?? this.#configure();
    const stored = await this.#checkpointer.put(config, checkpoint, metadata, versions);
    const tuple: CheckpointTuple = { config: stored, checkpoint, metadata, parentConfig: config };
    return readState(tuple);
  }

  #configure(checkpointId?: string): RunnableConfig {
    const configurable = { thread_id: this.#sessionId, checkpoint_ns: "" };
    return {
      configurable:
        checkpointId === undefined
          ? configurable
          : { ...configurable, checkpoint_id: checkpointId },
    };
  }
}

function readStep({ tuple }: StoredSession): number {
  return tuple?.metadata?.step ?? -1;
}
