/** One version of a changelog that changesets keeps. */
export interface ChangelogSection {
  readonly version: string;
  readonly text: string;
}

/** The versions of a changelog, the newest first. */
export function readChangelog(changelog: string): ChangelogSection[] {
  return changelog
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [version, ...lines] = section.split("\n");
      return { version: version!.trim(), text: lines.join("\n").trim() };
    });
}
