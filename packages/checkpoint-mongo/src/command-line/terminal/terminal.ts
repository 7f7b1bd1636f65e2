import { styleText } from "node:util";
import { escapeControls } from "./escape-controls.ts";

/** How a text looks on a terminal. */
export type Style = Parameters<typeof styleText>[0];

/** The streams and the environment of a process. */
export interface TerminalStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
}

const DEFAULT_COLUMNS = 80;

/** Where the program speaks: results go to `stdout`, all else to `stderr`. */
export class Terminal {
  readonly streams: TerminalStreams;

  constructor(streams: TerminalStreams) {
    this.streams = streams;
  }

  /** Whether a person reads the results; otherwise a program does. */
  get isTerminal(): boolean {
    return this.streams.stdout.isTTY;
  }

  /** Whether a person can be asked, and sees progress. */
  get canAsk(): boolean {
    return this.streams.stdin.isTTY && this.streams.stderr.isTTY;
  }

  /** Columns of the terminal. */
  get columns(): number {
    return this.streams.stdout.columns || DEFAULT_COLUMNS;
  }

  /** Styles a text for `stdout`, unless it is no terminal or `NO_COLOR` is set. */
  style(style: Style, text: string): string {
    return styleText(style, text, { stream: this.streams.stdout });
  }

  /** The same for `stderr`. */
  styleError(style: Style, text: string): string {
    return styleText(style, text, { stream: this.streams.stderr });
  }

  /** Prints a text that was stored, on a line of its own. */
  printLine(text: string): void {
    this.print(escapeControls(text));
  }

  /** Prints lines of a result. */
  print(text: string): void {
    this.streams.stdout.write(`${text}\n`);
  }

  /** Tells a person something beside the result. */
  note(text: string): void {
    this.streams.stderr.write(`${text}\n`);
  }

  warn(text: string): void {
    this.note(`${this.styleError("yellow", "warning:")} ${text}`);
  }
}
