/** Imported before anything else that is TypeScript, which an older Node can't load: says in one line which one is asked for. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `This needs Node 22.19 or newer, and this is ${process.version}: npm scripts bring their own after npm ci.`,
  );
  process.exit(1);
}
