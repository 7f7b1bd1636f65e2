import type { ThreadStatus } from "../../thread-index/thread.ts";
import type { Style } from "./terminal.ts";

/** How a thread's status looks. */
export const STATUS_STYLES: Readonly<Record<ThreadStatus, Style>> = {
  idle: "green",
  busy: "cyan",
  interrupted: "yellow",
  error: "red",
  expired: "dim",
};
