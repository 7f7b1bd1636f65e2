import { addressOf } from "./item-address.ts";
import type { GetRequest, ListRequest, PutRequest, Request, SearchRequest } from "./operations.ts";

/** A request and its place in the batch. */
export interface Placed<Of extends Request> {
  readonly place: number;
  readonly request: Of;
}

/** Requests that can be done at once: first all reads, then all writes. */
export interface Round {
  readonly gets: readonly Placed<GetRequest>[];
  readonly searches: readonly Placed<SearchRequest>[];
  readonly lists: readonly Placed<ListRequest>[];
  /** The last put of each item. */
  readonly puts: readonly PutRequest[];
}

interface OpenRound {
  readonly gets: Placed<GetRequest>[];
  readonly searches: Placed<SearchRequest>[];
  readonly lists: Placed<ListRequest>[];
  readonly puts: Map<string, PutRequest>;
}

/**
 * Groups a batch into as few rounds as possible, with the results of doing one operation after the other: a
 * read begins a new round only if an earlier put of its round could change its result.
 */
export function planRounds(requests: readonly Request[]): readonly Round[] {
  const rounds: OpenRound[] = [];
  for (const [place, request] of requests.entries()) {
    let round = rounds.at(-1);
    if (round === undefined || mustWait(request, round)) {
      round = { gets: [], searches: [], lists: [], puts: new Map() };
      rounds.push(round);
    }
    switch (request.kind) {
      case "get":
        round.gets.push({ place, request });
        break;
      case "search":
        round.searches.push({ place, request });
        break;
      case "list":
        round.lists.push({ place, request });
        break;
      case "put":
        round.puts.set(addressOf(request), request);
        break;
    }
  }
  return rounds.map(({ gets, searches, lists, puts }) => ({
    gets,
    searches,
    lists,
    puts: [...puts.values()],
  }));
}

function mustWait(request: Request, { puts }: OpenRound): boolean {
  if (request.kind === "put") return false;
  return request.kind === "get" ? puts.has(addressOf(request)) : puts.size > 0;
}
