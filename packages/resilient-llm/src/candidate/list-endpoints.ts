import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type {
  CandidateFields,
  CandidateOptions,
  EndpointOptions,
  ModelOption,
} from "../options/candidate-options.ts";

/** Settings of OpenAI's client. */
export type ClientOptions = NonNullable<CandidateFields["configuration"]>;

/** One endpoint of a model, with everything that it takes from its candidate. */
export interface PlannedEndpoint {
  /** Where it stands in the options. */
  readonly path: string;
  /** What it says by itself. */
  readonly own: EndpointOptions;
  /** What its candidate says. Without `endpoints`, the candidate is the only endpoint. */
  readonly candidate: CandidateOptions;
  /** The chat model that asks it, or its name there. */
  readonly model: string | BaseChatModel;
  /** Settings with those of the candidate filled in, apart from address and key. */
  readonly settings: Omit<EndpointOptions, "baseURL" | "apiKey" | "model">;
  /** It is one of the option `endpoints`. */
  readonly isListed: boolean;
}

function readOption(option: ModelOption): CandidateOptions {
  if (typeof option === "string") return { model: option };
  return "lc_namespace" in option ? { model: option } : option;
}

type Entries = Readonly<Record<string, unknown>>;

/** Headers or a query as an object, whichever of the forms that OpenAI's client takes. */
export function readEntries(entries: unknown): Entries {
  if (typeof entries !== "object" || entries === null) return {};
  return Symbol.iterator in entries
    ? Object.fromEntries(entries as Iterable<[string, unknown]>)
    : (entries as Entries);
}

/** The headers of `inner` beside those of `outer`. */
function joinHeaders(outer: unknown, inner: unknown): Entries {
  const joined = { ...readEntries(outer) };
  for (const [name, value] of Object.entries(readEntries(inner))) {
    // Names that differ in case only are the same header.
    const same = Object.keys(joined).find((known) => known.toLowerCase() === name.toLowerCase());
    if (same !== undefined) delete joined[same];
    joined[name] = value;
  }
  return joined;
}

/** The fields of an endpoint beside those of its candidate, with headers and query of both. */
function joinFields(
  outer: CandidateFields | undefined,
  inner: CandidateFields | undefined,
): CandidateFields | undefined {
  if (outer === undefined || inner === undefined) return inner ?? outer;
  const [from, to] = [outer.configuration, inner.configuration];
  if (from === undefined || to === undefined) return { ...outer, ...inner };
  const defaultHeaders = joinHeaders(from.defaultHeaders, to.defaultHeaders);
  const defaultQuery = { ...readEntries(from.defaultQuery), ...readEntries(to.defaultQuery) };
  const configuration = { ...from, ...to, defaultHeaders, defaultQuery };
  return { ...outer, ...inner, configuration: configuration as ClientOptions };
}

/** `inner` over `outer`. What is undefined in it is not said. */
function override<Options extends object>(outer: Options, inner: Options): Options {
  const said = Object.entries(inner).filter(([, value]) => value !== undefined);
  return { ...outer, ...(Object.fromEntries(said) as Partial<Options>) };
}

/** A model's name as its provider knows it. */
export function readModelName(model: string | BaseChatModel): string {
  if (typeof model === "string") return model;
  const { model: name, modelName } = model as { model?: unknown; modelName?: unknown };
  return (
    [name, modelName].find((value): value is string => typeof value === "string") ?? model.getName()
  );
}

/** The names by which users speak of an endpoint, from the one of its own on. */
export function listNames({ candidate, isListed, model, own }: PlannedEndpoint): readonly string[] {
  const group = candidate.name ?? readModelName(candidate.model);
  const ofEndpoint = isListed && own.name !== undefined ? [`${group}@${own.name}`, own.name] : [];
  return [...new Set([...ofEndpoint, group, readModelName(candidate.model), readModelName(model)])];
}

/** The endpoints that a model of the chain is asked at. */
export function listEndpoints(option: ModelOption, index: number): readonly PlannedEndpoint[] {
  const candidate = readOption(option);
  const { apiKey: _, baseURL: __, endpoints, model, name: ___, ...inherited } = candidate;
  const path = `models[${index}]`;
  if (endpoints === undefined) {
    const settings = { ...inherited, name: candidate.name };
    return [{ path, own: {}, candidate, model, settings, isListed: false }];
  }
  return endpoints.map((own, position) => {
    const { apiKey: ____, baseURL: _____, model: ownModel, ...said } = own;
    const fields = joinFields(inherited.fields, own.fields);
    return {
      path: `${path}.endpoints[${position}]`,
      own,
      candidate,
      model: ownModel ?? model,
      settings: { ...override<PlannedEndpoint["settings"]>(inherited, said), fields },
      isListed: true,
    };
  });
}
