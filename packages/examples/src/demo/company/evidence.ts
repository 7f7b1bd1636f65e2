import type { Evidence } from "../agent/state.ts";

/** What the imaginary company's monitoring says. All of it points at release v342. */
export const EVIDENCE: readonly Evidence[] = [
  {
    source: "metrics",
    text: [
      "checkout-api, 1-minute buckets (UTC): rps / p99 ms / errors %",
      "14:02  412 /   310 / 0.1",
      "14:04  409 /   905 / 0.8",
      "14:06  415 /  2610 / 3.9",
      "14:08  411 /  4790 / 7.2",
    ].join("\n"),
  },
  {
    source: "logs",
    text: [
      "14:03:58 WARN  pool: waited 780 ms for a connection (50/50 in use)",
      "14:05:12 ERROR checkout: acquire timed out after 2000 ms, cart=8c1f",
      "14:07:40 ERROR checkout: acquire timed out after 2000 ms, cart=19d2 (repeated 318 times)",
    ].join("\n"),
  },
  {
    source: "deployments",
    text: [
      "13:20  search-api     v118  healthy",
      '14:03  checkout-api   v342  "price carts one item at a time", healthy, 100 % of traffic',
      "14:03  checkout-api   v341  replaced",
    ].join("\n"),
  },
  {
    source: "database",
    text: [
      "14:00  612 queries/s, busiest: SELECT … FROM prices WHERE sku IN (…)   2.1 ms",
      "14:08  9840 queries/s, busiest: SELECT … FROM prices WHERE sku = ?     1.9 ms, called 23 times per request",
      "CPU 41 %, no locks, no slow queries",
    ].join("\n"),
  },
];
