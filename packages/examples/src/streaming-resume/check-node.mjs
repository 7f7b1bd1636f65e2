// Runs before anything else, on whatever Node.js there is: an older one cannot run the rest.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `This is Node.js ${process.version}; 22.18 or later is needed to run TypeScript as it is. ` +
      "Install a current one from https://nodejs.org and run npm start again.",
  );
  process.exit(1);
}
