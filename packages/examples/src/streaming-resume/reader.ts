import { appendFile, readFile } from "node:fs/promises";

/**
 * Who reads the article: a file that grows. A process that goes on with an article says it from its first word, as a
 * model does that is asked again. The reader skips what it has.
 */
export class Reader {
  private readonly file: string;
  private readonly show: (text: string) => void;
  /** What it has of the article. */
  private had: string;
  /** What this process has said of it. */
  private heard = "";

  private constructor(file: string, had: string, show: (text: string) => void) {
    this.file = file;
    this.had = had;
    this.show = show;
  }

  /** @param show is told of each piece that is new to the reader */
  static async open(file: string, show: (text: string) => void): Promise<Reader> {
    return new Reader(file, await readFile(file, "utf8").catch(() => ""), show);
  }

  /** How many characters it has. */
  get length(): number {
    return this.had.length;
  }

  /**
   * Hears the next words.
   *
   * @throws Error if they are others than those that it has
   */
  async hear(words: string): Promise<void> {
    this.heard += words;
    const known = this.had.slice(0, this.heard.length);
    if (!this.heard.startsWith(known)) {
      throw new Error(`${this.file} holds another article. Name another file with --file.`);
    }
    const news = this.heard.slice(this.had.length);
    if (news === "") return;
    await appendFile(this.file, news);
    this.had += news;
    this.show(news);
  }
}
