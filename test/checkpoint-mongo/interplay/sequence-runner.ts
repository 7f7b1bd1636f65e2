import assert from "node:assert/strict";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  ERROR,
  INTERRUPT,
  MemorySaver,
  uuid6,
  type BaseCheckpointSaver,
  type CheckpointTuple,
} from "@langchain/langgraph-checkpoint";
import {
  CheckpointNotFoundError,
  LabelNotFoundError,
  LabelTakenError,
  NothingToUndoError,
  PruneRefusedError,
  ThreadNotFoundError,
  type MongoDBSaver,
  type MongoDBSaverSettings,
  type ThreadStatus,
} from "@threadkeep/checkpoint-mongo";
import { WITH_OLD } from "../encryption/encrypted-threads.ts";
import { makeCheckpoint, makeMetadata, threadConfig } from "../make-checkpoint.ts";
import type { ServerTime } from "../server-time.ts";
import type { TestDatabase } from "../use-database.ts";
import type { Step, Who } from "./steps.ts";
import { ThreadModel, TRIGGER, type ModelCheckpoint, type ModelWrite } from "./thread-model.ts";

/** The namespace of subgraphs in each of the two threads: one that keeps one history, and one of a task. */
const NESTED = ["sub", "node:task"] as const;

const DAYS_SECONDS = 300 * 24 * 60 * 60;

/** A prune by age removes what is older. Time passes in smaller steps, or in larger ones. */
const OLD_MINUTES = 5 * 24 * 60;

/** How many checkpoints of a namespace the saver `keeper` keeps, and after how many puts it looks. */
const KEPT = 2;

type StepOf<K extends Step["kind"]> = Extract<Step, { readonly kind: K }>;

/** Takes steps with savers and with the model, and compares them after each. */
export class SequenceRunner {
  readonly #database: TestDatabase;
  readonly #time: ServerTime;
  readonly #threadIds: readonly [string, string];
  readonly #models = [new ThreadModel(), new ThreadModel()] as const;
  /** LangGraph's own saver, as long as only puts and writes have come. */
  readonly #memory = [new MemorySaver(), new MemorySaver()] as const;
  readonly #isPlain: [boolean, boolean] = [true, true];
  readonly #warm: Readonly<Record<Exclude<Who, "cold">, MongoDBSaver>>;
  #now = 0;
  #count = 0;

  readonly #settings: MongoDBSaverSettings;

  constructor(database: TestDatabase, time: ServerTime, name: string, isEncrypted: boolean) {
    this.#database = database;
    // Without keys, nobody could sweep a collection with encrypted threads.
    this.#settings = isEncrypted ? { encryption: WITH_OLD, collectionPrefix: "sealed_" } : {};
    this.#time = time;
    this.#threadIds = [`${name} a`, `${name} b`];
    this.#warm = openWarm(database, this.#settings);
  }

  #openCold(): MongoDBSaver {
    return this.#database.openSaver(this.#settings);
  }

  async start(puts: number): Promise<void> {
    for (let count = 0; count < puts; count += 1) {
      await this.#put({
        thread: 0,
        who: "warm",
        kind: "put",
        isNested: false,
        parent: "latest",
        pick: 0,
        isBusy: false,
        run: 3,
      });
    }
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case "put":
        await this.#put(step);
        break;
      case "putAgain":
        await this.#putAgain(step);
        break;
      case "putWrites":
        await this.#putWrites(step);
        break;
      default:
        this.#isPlain[step.thread === 0 ? 0 : 1] = false;
        if (step.kind === "deleteForRuns") this.#isPlain.fill(false);
        await this.#change(step);
    }
    const touched = step.kind === "deleteForRuns" || step.kind === "sweep" ? [0, 1] : [step.thread];
    for (const thread of touched) await this.#compare(thread, step.who);
  }

  /** Compares once more, and sees that the threads can be gone on from by a process that has just started. */
  async end(): Promise<void> {
    for (const thread of [0, 1]) {
      for (const isNested of [false, true]) {
        if (isNested && this.#model(thread).latest("") === undefined) continue;
        const parent = "latest" as const;
        const last = { kind: "put" as const, isNested, parent, pick: 0, isBusy: true, run: 3 };
        await this.take({ ...last, thread, who: "cold" });
        await this.take({ ...last, thread, who: "warm" });
      }
      await this.#compareWithMemory(thread);
    }
  }

  async #change(step: Exclude<Step, StepOf<"put" | "putAgain" | "putWrites">>): Promise<void> {
    switch (step.kind) {
      case "prune":
        return this.#prune(step);
      case "deleteForRuns":
        return this.#deleteForRuns(step);
      case "label":
        return this.#label(step);
      case "removeLabel":
        return this.#removeLabel(step);
      case "rollback":
        return this.#rollback(step);
      case "undoRollback":
        return this.#undoRollback(step);
      case "setRetention":
        return this.#setRetention(step);
      case "deleteThread":
        await this.#saver(step.who).deleteThread(this.#id(step));
        this.#model(step.thread).end();
        return undefined;
      case "create":
      case "update":
        return this.#describe(step);
      case "sweep":
        this.#time.passMinutes(step.minutes);
        this.#now += step.minutes;
        await this.#saver(step.who).sweep({ graceSeconds: 600 });
        for (const model of this.#models) model.sweepAside(this.#now);
        return undefined;
    }
  }

  async #put({ thread, who, isNested, parent, pick, isBusy, run }: StepOf<"put">): Promise<void> {
    const model = this.#model(thread);
    const namespace = nameOf(thread, isNested);
    // A subgraph runs in a task of a checkpoint of the root graph, and each task has a namespace of its own.
    const rootId = isNested
      ? ((namespace.includes(":") ? model.taskRoot : undefined) ?? model.latest("")?.id)
      : undefined;
    if (isNested && rootId === undefined) return;
    if (isNested) model.taskRoot = rootId;
    const there = model.list(namespace).map(({ id }) => id);
    const ever = model.known.filter((one) => one.namespace === namespace).map(({ id }) => id);
    const candidates = { latest: there.slice(-1), there, ever, none: [] }[parent];
    const parentId = candidates[pick % Math.max(1, candidates.length)];
    const known = model.all(namespace).find(({ id }) => id === parentId);
    const checkpoint: ModelCheckpoint = {
      id: uuid6(this.#count),
      namespace,
      parentId,
      rootId,
      values: this.#grow(known?.values, isBusy),
      isBusy,
      runId: run === 3 ? undefined : `${this.#threadIds[0]} run ${run}`,
      writes: new Map(),
      labels: [],
      labelsAside: [],
      aside: undefined,
      madeAt: -Infinity,
    };
    await this.#store(thread, who, checkpoint);
    model.put(checkpoint);
    if (who === "keeper") await this.#adoptPruned(thread, namespace);
  }

  async #putAgain({ thread, who, isNested, pick }: StepOf<"putAgain">): Promise<void> {
    const model = this.#model(thread);
    const namespace = nameOf(thread, isNested);
    const all = model.all(namespace);
    const former = all[pick % Math.max(1, all.length)];
    if (former === undefined) return;
    // What is not asked for: another content for a parent. Its children cover what it held.
    if (all.some(({ parentId }) => parentId === former.id)) return;
    const values = this.#grow(former.values, former.isBusy);
    const checkpoint = { ...former, values, madeAt: -Infinity };
    checkpoint.aside = undefined;
    await this.#store(thread, who, checkpoint);
    model.putAgain(checkpoint);
    if (who === "keeper") await this.#adoptPruned(thread, namespace);
  }

  async #store(thread: number, who: Who, checkpoint: ModelCheckpoint): Promise<void> {
    const { id, namespace, parentId, rootId, values, runId } = checkpoint;
    const { configurable } = threadConfig(this.#threadIds[thread]!, {
      namespace,
      ...(parentId !== undefined && { checkpointId: parentId }),
    });
    const config = {
      configurable: configurable!,
      ...(runId !== undefined && { metadata: { run_id: runId } }),
    };
    const { length } = (values["list"] ?? []) as readonly unknown[];
    const versions = Object.fromEntries(Object.keys(values).map((name) => [name, length]));
    const made = makeCheckpoint({ ...values }, { id, versions });
    const metadata = makeMetadata({ parents: rootId === undefined ? {} : { "": rootId } });
    const savers: readonly BaseCheckpointSaver[] = [this.#saver(who), this.#memory[thread]!];
    for (const saver of savers) {
      await saver.put(config, structuredClone(made), metadata, versions);
    }
  }

  /** What a checkpoint holds: a list that grows, sometimes by an item that takes a segment of its own. */
  #grow(values: ModelCheckpoint["values"] | undefined, isBusy: boolean): ModelCheckpoint["values"] {
    this.#count += 1;
    const former = (values?.["list"] ?? []) as readonly string[];
    const item = `item ${this.#count} `.repeat(this.#count % 5 === 0 ? 2_000 : 3);
    return { list: [...former, item], ...(isBusy && { [TRIGGER]: "go" }) };
  }

  async #putWrites({ thread, who, isNested, pick, channel }: StepOf<"putWrites">): Promise<void> {
    const namespace = nameOf(thread, isNested);
    // Those that are kept aside too: a run that was under way goes on writing.
    const all = this.#model(thread).all(namespace).toReversed();
    const checkpoint = all[pick % Math.max(1, all.length)];
    if (checkpoint === undefined) return;
    this.#count += 1;
    const taskId = channel === "list" ? `task ${this.#count}` : "task";
    const value = `write ${this.#count}`;
    const config = threadConfig(this.#threadIds[thread]!, {
      namespace,
      checkpointId: checkpoint.id,
    });
    for (const saver of [this.#saver(who), this.#memory[thread]!]) {
      await saver.putWrites(config, [[channel, value]], taskId);
    }
    checkpoint.writes.set(`${taskId} ${channel}`, { taskId, channel, value });
  }

  async #prune({ thread, who, count, discardWaiting }: StepOf<"prune">): Promise<void> {
    const model = this.#model(thread);
    const options = {
      ...(
        [
          { strategy: "keep_latest" },
          { strategy: "keep_last", count: 1 },
          { strategy: "keep_last", count: 2 },
          { strategy: "older_than", seconds: OLD_MINUTES * 60 },
        ] as const
      )[count]!,
      discardWaiting,
    };
    const chosen = model.namespaces.flatMap((namespace) =>
      options.strategy === "older_than"
        ? model
            .list(namespace)
            .slice(0, -1)
            .filter(({ madeAt }) => this.#now - madeAt > OLD_MINUTES)
        : model.list(namespace).slice(0, -Math.max(1, count)),
    );
    const doomed = chosen.filter((one) => !model.isBackup(one, this.#now));
    const pruned = this.#saver(who).prune([this.#id({ thread })], options);
    if (!discardWaiting && doomed.some((one) => isWaiting(model, one))) {
      await assert.rejects(pruned, PruneRefusedError);
      return;
    }
    assert.equal((await pruned).checkpoints, doomed.length);
    model.remove((one) => doomed.includes(one));
  }

  /**
   * What is not asked for: all of a namespace, since a process that still knows what was its latest goes on behind
   * that, and others begin anew. Nor the latest after a rollback has moved a checkpoint: the next put would get a place
   * that was another's before, which the development server takes for taken.
   */
  async #deleteForRuns({ who, run }: StepOf<"deleteForRuns">): Promise<void> {
    const runId = `${this.#threadIds[0]} run ${run}`;
    const isAllOfOne = this.#models.some((model) =>
      model.namespaces.some((namespace) =>
        model.list(namespace).every((one) => one.runId === runId),
      ),
    );
    const isLatestOfMoved = this.#models.some(
      (model) =>
        model.hasMoved && model.namespaces.some((name) => model.latest(name)?.runId === runId),
    );
    if (isAllOfOne || isLatestOfMoved) return;
    await this.#saver(who).deleteForRuns([runId]);
    for (const model of this.#models) {
      // What rollbacks discarded goes with the latest of its namespace.
      const latest = new Map(model.namespaces.map((name) => [name, model.latest(name)?.runId]));
      model.remove(
        ({ namespace, aside, runId: own }) =>
          own === runId || (aside !== undefined && latest.get(namespace) === runId),
      );
    }
  }

  async #label({ thread, who, isNested, pick, name }: StepOf<"label">): Promise<void> {
    const model = this.#model(thread);
    const namespace = nameOf(thread, isNested);
    const there = model.list(namespace);
    const checkpoint = there[pick % Math.max(1, there.length)];
    if (checkpoint === undefined) return;
    const label = `label ${name}`;
    const config = threadConfig(this.#id({ thread }), { namespace, checkpointId: checkpoint.id });
    const holder = model.holderOf(namespace, label);
    const labelled = this.#saver(who).label(config, { name: label });
    if (holder !== undefined && holder !== checkpoint) {
      await assert.rejects(labelled, LabelTakenError);
      return;
    }
    await labelled;
    if (holder === undefined) checkpoint.labels = [...checkpoint.labels, label];
  }

  async #removeLabel({ thread, who, isNested, name }: StepOf<"removeLabel">): Promise<void> {
    const model = this.#model(thread);
    const namespace = nameOf(thread, isNested);
    const label = `label ${name}`;
    const holder = model.holderOf(namespace, label);
    const removed = this.#saver(who).removeLabel(this.#id({ thread }), label, {
      checkpointNs: namespace,
    });
    if (holder === undefined) {
      await assert.rejects(removed, model.isStored ? LabelNotFoundError : ThreadNotFoundError);
      return;
    }
    await removed;
    holder.labels = holder.labels.filter((one) => one !== label);
  }

  async #rollback({ thread, who, by, pick, discard }: StepOf<"rollback">): Promise<void> {
    const model = this.#model(thread);
    const there = model.list("");
    const steps = 1 + (pick % 3);
    const name = `label ${pick % 3}`;
    const at = there[pick % Math.max(1, there.length)];
    const target = {
      id: at,
      label: model.holderOf("", name),
      steps: stepBack(model, steps),
    }[by];
    const to = { id: at?.id ?? uuid6(0), label: name, steps: { steps } }[by];
    const done = this.#saver(who).rollback(this.#id({ thread }), { to, discard });
    if (target === undefined) {
      await assert.rejects(done, isNotFound);
      return;
    }
    const former = model.latest("")!;
    const after = there.slice(there.indexOf(target) + 1);
    const moves = model.planLatest(target);
    const root = moves.get("");
    const result = await done;
    const { targetId, formerId, isCopy } = result;
    const expected = { targetId: target.id, formerId: former.id, isCopy: root?.isCopy ?? false };
    assert.deepEqual({ targetId, formerId, isCopy }, expected);
    const discarded =
      root === undefined ? 0 : model.nameRollback(former.id, this.#now, discard ? after : []);
    assert.equal(result.discarded, discarded);
    await this.#follow(thread, moves, idOf(result.config));
  }

  async #undoRollback({ thread, who }: StepOf<"undoRollback">): Promise<void> {
    const model = this.#model(thread);
    model.dropExpired(this.#now);
    const last = model.rollbacks.at(-1);
    const undone = this.#saver(who).undoRollback(this.#id({ thread }));
    if (last === undefined) {
      await assert.rejects(undone, model.isStored ? NothingToUndoError : ThreadNotFoundError);
      return;
    }
    model.restore(last);
    const target = model.find("", last.fromId);
    if (target === undefined) {
      await assert.rejects(undone, CheckpointNotFoundError);
      return;
    }
    const moves = model.planLatest(target);
    const config = await undone;
    model.rollbacks = model.rollbacks.slice(0, -1);
    await this.#follow(thread, moves, idOf(config));
  }

  /** Does with the model what a rollback did. The saver chose the ids of copies. */
  async #follow(
    thread: number,
    moves: ReturnType<ThreadModel["planLatest"]>,
    rootId: string,
  ): Promise<void> {
    const model = this.#model(thread);
    const cold = this.#openCold();
    for (const [namespace, move] of moves) {
      const config = threadConfig(this.#id({ thread }), { namespace });
      const tuple = namespace === "" ? undefined : await cold.getTuple(config);
      const id = tuple ? idOf(tuple.config) : rootId;
      model.move(move, { namespace, id, rootId, now: this.#now });
    }
  }

  async #setRetention({ thread, who, retention }: StepOf<"setRetention">): Promise<void> {
    const to = {
      days: { ttlSeconds: DAYS_SECONDS },
      pinned: { pinned: true },
      none: null,
    } as const;
    const set = this.#saver(who).setRetention(this.#id({ thread }), to[retention]);
    if (this.#model(thread).isStored) await set;
    else await assert.rejects(set, ThreadNotFoundError);
  }

  async #describe({ thread, who, kind, pick }: StepOf<"create" | "update">): Promise<void> {
    const model = this.#model(thread);
    const { threads } = this.#saver(who);
    const done = threads[kind](this.#id({ thread }), { metadata: { pick } });
    if (kind === "update" && !model.isThere) {
      await assert.rejects(done, ThreadNotFoundError);
      return;
    }
    await done;
    model.isThere = true;
    model.isStored = true;
  }

  /**
   * What the model does not say: when `keepLast` prunes. If it has, what was bound to stay is there, and nothing else
   * of those before it.
   */
  async #adoptPruned(thread: number, namespace: string): Promise<void> {
    const model = this.#model(thread);
    const own = model.list(namespace);
    const ids = new Set(await this.#listIds(thread, namespace));
    if (ids.size === own.length) return;
    const stays = (one: ModelCheckpoint, index: number) =>
      index >= own.length - KEPT || isWaiting(model, one) || model.isBackup(one, this.#now);
    const kept = own.filter(stays);
    assert.deepEqual(
      [...ids].toReversed(),
      kept.map(({ id }) => id),
    );
    const gone = new Set(own.filter((one) => !kept.includes(one)));
    const goneIds = new Set(Array.from(gone, ({ id }) => id));
    this.#isPlain[thread === 0 ? 0 : 1] = false;
    model.remove((one) => gone.has(one));
    if (namespace !== "") return;
    // What subgraphs stored in tasks of these goes with them, by the latest checkpoint of each.
    for (const task of model.namespaces.filter((name) => name.includes(":"))) {
      const latest = model.latest(task);
      // The root graph's checkpoint may have gone before.
      const stored = model.all("").filter(({ id }) => !goneIds.has(id));
      if (latest === undefined || stored.some(({ id }) => id === latest.rootId)) continue;
      model.remove((one) => one.namespace === task && one.aside === undefined);
    }
  }

  async #compare(thread: number, who: Who): Promise<void> {
    const model = this.#model(thread);
    const threadId = this.#threadIds[thread]!;
    const cold = this.#openCold();
    const report = await cold.verifyThread(threadId);
    assert.deepEqual(report.damages, []);
    for (const isNested of [false, true]) {
      const namespace = nameOf(thread, isNested);
      const config = threadConfig(threadId, { namespace });
      const expected = model.list(namespace).map(describeModel).toReversed();
      const listed = await Array.fromAsync(cold.list(config));
      assert.deepEqual(listed.map(describeTuple), expected);
      for (const saver of [cold, this.#saver(who), this.#warm.warm]) {
        const latest = await saver.getTuple(config);
        assert.deepEqual(latest && describeTuple(latest), expected[0]);
      }
      for (const [index, { id }] of expected.entries()) {
        if (index % 3 !== this.#count % 3) continue;
        const one = await this.#warm.other.getTuple(
          threadConfig(threadId, { namespace, checkpointId: id }),
        );
        assert.deepEqual(one && describeTuple(one), expected[index]);
      }
      const gone = model.known.findLast(
        (one) => one.namespace === namespace && !model.has(namespace, one.id),
      );
      if (gone !== undefined) {
        const named = threadConfig(threadId, { namespace, checkpointId: gone.id });
        assert.equal(await cold.getTuple(named), undefined);
      }
    }
    await this.#compareIndex(thread, cold);
  }

  async #compareIndex(thread: number, cold: MongoDBSaver): Promise<void> {
    const model = this.#model(thread);
    const threadId = this.#threadIds[thread]!;
    const details = await cold.threads.get(threadId);
    const latest = model.latest("");
    const status = model.isThere ? standAt(latest) : undefined;
    assert.equal(details?.status, status);
    if (details === undefined) return;
    assert.equal(details.checkpointId, latest?.id);
    const labels = model.namespaces.flatMap((namespace) =>
      model.list(namespace).flatMap(({ id, labels: own }) => own.map((name) => `${id} ${name}`)),
    );
    const found = details.labels.map(({ checkpointId, name }) => `${checkpointId} ${name}`);
    assert.deepEqual(found.toSorted(), labels.toSorted());
    const listed = await cold.listLabels(threadId);
    assert.equal(listed.length, labels.length);
    const page = await cold.threads.search({ status: status!, ids: [threadId] });
    assert.deepEqual(
      page.threads.map((one) => one.threadId),
      [threadId],
    );
  }

  /** After plain puts and writes, LangGraph's own saver says the same. */
  async #compareWithMemory(thread: number): Promise<void> {
    if (!this.#isPlain[thread]) return;
    for (const isNested of [false, true]) {
      const namespace = nameOf(thread, isNested);
      const config = threadConfig(this.#threadIds[thread]!, { namespace });
      const [own, others] = await Promise.all(
        [this.#openCold(), this.#memory[thread]!].map(async (saver: BaseCheckpointSaver) =>
          (await Array.fromAsync(saver.list(config))).map(describeTuple),
        ),
      );
      assert.deepEqual(own, others);
    }
  }

  async #listIds(thread: number, namespace: string): Promise<readonly string[]> {
    const config = threadConfig(this.#threadIds[thread]!, { namespace });
    const tuples = await Array.fromAsync(this.#openCold().list(config));
    return tuples.map((tuple) => idOf(tuple.config));
  }

  #saver(who: Who): MongoDBSaver {
    return who === "cold" ? this.#openCold() : this.#warm[who];
  }

  #model(thread: number): ThreadModel {
    return this.#models[thread === 0 ? 0 : 1];
  }

  #id({ thread }: { readonly thread: number }): string {
    return this.#threadIds[thread === 0 ? 0 : 1];
  }
}

function openWarm(
  database: TestDatabase,
  settings: MongoDBSaverSettings,
): Readonly<Record<Exclude<Who, "cold">, MongoDBSaver>> {
  return {
    warm: database.openSaver(settings),
    other: database.openSaverElsewhere(settings),
    keeper: database.openSaver({ ...settings, keepLast: KEPT }),
  };
}

function nameOf(thread: number, isNested: boolean): string {
  return isNested ? NESTED[thread === 0 ? 0 : 1] : "";
}

/** Whether it is the end of a branch that waits for an answer. */
function isWaiting(model: ThreadModel, { namespace, id, writes }: ModelCheckpoint): boolean {
  const hasChild = model.list(namespace).some(({ parentId }) => parentId === id);
  return !hasChild && Array.from(writes.values()).some(({ channel }) => channel === INTERRUPT);
}

function standAt(latest: ModelCheckpoint | undefined): ThreadStatus {
  const channels = new Set(Array.from(latest?.writes.values() ?? [], ({ channel }) => channel));
  if (channels.has(ERROR)) return "error";
  if (channels.has(INTERRUPT)) return "interrupted";
  return latest?.isBusy ? "busy" : "idle";
}

function stepBack(model: ThreadModel, steps: number): ModelCheckpoint | undefined {
  let target = model.latest("");
  for (let step = 0; step < steps && target !== undefined; step += 1) {
    target = target.parentId === undefined ? undefined : model.find("", target.parentId);
  }
  return target;
}

function isNotFound(error: unknown): boolean {
  return [LabelNotFoundError, CheckpointNotFoundError, ThreadNotFoundError].some((known) =>
    known.isInstance(error),
  );
}

interface Described {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly values: unknown;
  readonly writes: readonly string[];
}

function describeModel({ id, parentId, values, writes }: ModelCheckpoint): Described {
  const all = Array.from(writes.values(), ({ taskId, channel, value }: ModelWrite) =>
    JSON.stringify([taskId, channel, value]),
  );
  return { id, parentId, values, writes: all.toSorted() };
}

function describeTuple({
  config,
  parentConfig,
  checkpoint,
  pendingWrites = [],
}: CheckpointTuple): Described {
  return {
    id: idOf(config),
    parentId: parentConfig && idOf(parentConfig),
    values: checkpoint.channel_values,
    writes: pendingWrites.map((write) => JSON.stringify(write)).toSorted(),
  };
}

function idOf(config: RunnableConfig): string {
  return config.configurable!["checkpoint_id"] as string;
}
