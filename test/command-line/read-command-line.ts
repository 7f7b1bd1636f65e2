/**
 * Reads what a program was asked to do on its command line. Answers `--help` and wrong arguments itself.
 *
 * @param read throws if an argument is wrong
 * @returns the exit code if the program has nothing more to do
 */
export function readCommandLine<Options extends { readonly help: boolean }>(
  help: string,
  read: (args: readonly string[]) => Options,
): Options | number {
  try {
    const options = read(process.argv.slice(2));
    if (!options.help) return options;
    console.log(help);
    return 0;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
}
