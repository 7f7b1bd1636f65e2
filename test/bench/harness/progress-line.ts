import ora from "ora";

/** One line on the terminal that says what is being done; plain lines where there is no terminal. */
export interface ProgressLine {
  begin(text: string): void;
  update(text: string): void;
  succeed(text: string): void;
  fail(text: string): void;
}

/** A progress line on standard error. */
export function createProgressLine(): ProgressLine {
  const spinner = ora({ stream: process.stderr, discardStdin: false });
  return {
    begin: (text) => spinner.start(text),
    update: (text) => {
      spinner.text = text;
    },
    succeed: (text) => spinner.succeed(text),
    fail: (text) => spinner.fail(text),
  };
}
