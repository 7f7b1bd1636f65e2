/** What a worker's process is told. */
export interface WorkerOrder {
  readonly uri: string;
  readonly database: string;
  readonly name: string;
  readonly concurrency: number;
  readonly steps: number;
  /** How long a step takes, on average. */
  readonly stepMs: number;
  /** Options of the worker. */
  readonly options: { readonly leaseMs?: number; readonly pollMs?: number };
}
