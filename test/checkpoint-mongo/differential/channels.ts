import { AIMessage, RemoveMessage, type BaseMessage } from "@langchain/core/messages";
import {
  addMessages,
  Annotation,
  DeltaChannel,
  messagesDeltaReducer,
  type BaseChannel,
} from "@langchain/langgraph";
import {
  AnyValue,
  EphemeralValue,
  Topic,
  UntrackedValueChannel,
} from "@langchain/langgraph/channels";
import type { ChannelKind, ChannelSpec } from "./program.ts";

/** Who writes, and what is known to it. */
export interface Writing {
  /** The node, or what an operation calls itself. */
  readonly writer: string;
  /** How much the writer has seen so far: a state that went wrong shows in what comes after. */
  readonly beat: number;
}

interface Kind {
  create(spec: ChannelSpec): BaseChannel;
  /** A fresh value each time, since some reducers change it. */
  write(writing: Writing): unknown;
}

type Numbers = Record<string, number>;
type Texts = Record<string, string>;
interface Stamped {
  readonly text: string;
  at?: number;
}

const text = ({ writer, beat }: Writing): string => `${writer}@${beat}`;
const texts = (writing: Writing): string[] => [text(writing)];
const entries = (writing: Writing): Texts => ({
  [writing.writer]: text(writing),
  shared: text(writing),
  [`old ${writing.beat % 3}`]: text(writing),
});
const messages = (writing: Writing): BaseMessage[] => {
  const { beat } = writing;
  const said = new AIMessage({ id: `m-${text(writing)}`, content: text(writing) });
  const shared = new AIMessage({ id: "shared", content: text(writing) });
  return beat % 4 === 3 ? [said, shared, new RemoveMessage({ id: "shared" })] : [said, shared];
};

/** What each kind of channel is, and what is written to it. */
const KINDS: Readonly<Record<ChannelKind, Kind>> = {
  append: {
    create: () => Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
    write: texts,
  },
  /** No order of the same writes gives the same number twice. */
  fold: {
    create: () =>
      Annotation<number>({ reducer: (a, b) => (a * 31 + b) % 1_000_003, default: () => 1 }),
    write: (writing) => Buffer.from(text(writing)).reduce((sum, byte) => sum + byte, 0),
  },
  merge: {
    create: () => Annotation<Texts>({ reducer: (a, b) => ({ ...a, ...b }), default: () => ({}) }),
    write: entries,
  },
  last: { create: () => Annotation<string>(), write: text },
  /** As in a cart: what was in it before is counted into what is new. */
  "mutates-right": {
    create: () =>
      Annotation<Numbers>({
        reducer: (cart, added) => {
          for (const [name, count] of Object.entries(cart))
            added[name] = (added[name] ?? 0) + count;
          return added;
        },
        default: () => ({}),
      }),
    write: ({ writer, beat }) => ({ apple: 1, [writer]: beat + 1 }),
  },
  "mutates-left": {
    create: () =>
      Annotation<string[]>({
        reducer: (list, added) => {
          list.push(...added);
          return list;
        },
        default: () => [],
      }),
    write: texts,
  },
  messages: {
    create: () =>
      Annotation<BaseMessage[]>({
        reducer: addMessages,
        default: () => [],
      }),
    write: messages,
  },
  delta: createDelta<string[], string[]>(
    texts,
    () => [],
    (list, added) => [...list, ...added.flat()],
  ),
  "delta-merge": createDelta<Texts, Texts>(
    entries,
    () => ({}),
    (map, added) => Object.assign({}, map, ...added) as Texts,
  ),
  /** Changes each item that it is given: it learns its place. */
  "delta-stamps": createDelta<Stamped[], Stamped>(
    (writing) => ({ text: text(writing) }),
    () => [],
    (list, added) => {
      for (const [index, item] of added.entries()) item.at = list.length + index;
      return [...list, ...added];
    },
  ),
  "delta-messages": createDelta<BaseMessage[], BaseMessage[]>(
    messages,
    () => [],
    messagesDeltaReducer,
  ),
  topic: { create: () => new Topic({ accumulate: true }), write: texts },
  "unique-topic": {
    create: () => new Topic({ unique: true }),
    write: ({ writer, beat }) => [writer, `${beat % 3}`],
  },
  ephemeral: { create: () => new EphemeralValue(false), write: text },
  any: { create: () => new AnyValue(), write: text },
  untracked: {
    create: () => new UntrackedValueChannel({ guard: false }),
    write: text,
  },
};

function createDelta<Value, Write>(
  write: (writing: Writing) => Write,
  empty: () => Value,
  reduce: (value: Value, writes: Write[]) => Value,
): Kind {
  return {
    create: ({ snapshotFrequency }) =>
      new DeltaChannel(reduce, { snapshotFrequency, initialValueFactory: empty }),
    write,
  };
}

export function createChannel(spec: ChannelSpec): BaseChannel {
  return KINDS[spec.kind].create(spec);
}

function makeWrite(kind: ChannelKind, writing: Writing): unknown {
  return KINDS[kind].write(writing);
}

/** What a graph takes as its state, or a part of it. */
export function makeUpdate(
  specs: readonly ChannelSpec[],
  names: readonly string[],
  writing: Writing,
): Record<string, unknown> {
  return Object.fromEntries(
    specs
      .filter(({ name }) => names.includes(name))
      .map(({ name, kind }) => [name, makeWrite(kind, writing)]),
  );
}
