/**
 * `pnpm reference` builds the reference of all that is public from the sources into `reference/`. Fails if
 * something public has no doc comment, or a link in one leads nowhere.
 */
import { join } from "node:path";
import { Application } from "typedoc";
import { listEntryPoints, root } from "../entry-points.mjs";

const entryPoints = listEntryPoints();

const application = await Application.bootstrapWithPlugins({
  name: "Threadkeep",
  entryPoints: entryPoints.map(({ folder, source }) => join(root, folder, source)),
  tsconfig: join(root, "tsconfig.json"),
  readme: "none",
  out: join(root, "reference"),
  excludePrivate: true,
  excludeInternal: true,
  excludeExternals: true,
  includeVersion: false,
  disableSources: true,
  skipErrorChecking: true,
  packagesRequiringDocumentation: entryPoints.map(({ packageName }) => packageName),
  // Comments that members inherit from LangChain link to its own symbols.
  externalSymbolLinkMappings: { "@langchain/core": { "*": "#" } },
  validation: { notDocumented: true, invalidLink: true, notExported: false },
  treatValidationWarningsAsErrors: true,
});
const project = await application.convert();
if (project === undefined) {
  process.exitCode = 1;
} else {
  // Named as they are imported, not by their files.
  for (const module of project.children ?? []) {
    const id = project.getSymbolIdFromReflection(module);
    const entryPoint = entryPoints.find(
      ({ packageName, source }) =>
        packageName === id?.packageName && source === `./${id.packagePath}`,
    );
    if (entryPoint !== undefined) module.name = entryPoint.specifier;
  }
  application.validate(project);
  await application.generateOutputs(project);
  if (application.logger.hasErrors() || application.logger.hasWarnings()) process.exitCode = 1;
}
