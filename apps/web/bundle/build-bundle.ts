import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { BunPlugin } from "bun";
import { themeStyles } from "./theme-styles.ts";
import { usedStyles } from "./used-styles.ts";

/** One file of the app as browsers get it. */
export interface BundledFile {
  /** Below /assets/, or `index.html`. */
  name: string;
  type: string;
  /** The name changes with the content, so browsers may keep it for good. */
  lasting: boolean;
  plain: Uint8Array;
  brotli: Uint8Array;
  gzip: Uint8Array;
}

const WEB = join(import.meta.dir, "..");
const TYPES: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Pages of the app by what they need at first: each has a page of its own, which names the files to fetch at once. */
const AREAS = {
  "index.html": [],
  "welcome.html": ["welcome-pages"],
  "work.html": ["work-pages"],
  "office.html": ["work-pages", "office-pages"],
} as const;

/**
 * Bundles the app: a file for its start, and one for each area of pages.
 * @param quality of Brotli: 11 is the best there is and takes ten times as long as 5
 * @throws Error with what the bundler said
 */
export async function buildBundle(quality: number): Promise<BundledFile[]> {
  const [app, early] = await Promise.all([
    // What draws is a file of its own: Chromium compiles two files at once, and where it compiles one twice, it is half of all.
    build(["src/main.tsx", Bun.resolveSync("react-dom/client", WEB)], true),
    build(["src/early/early.ts"], false),
  ]);
  const files: BundledFile[] = [];
  const shared = { __EARLY__: "", __ENTRY__: "", __STYLES__: "" };
  const scripts = (await Promise.all(app.scripts.map((output) => output.text()))).join("\n");
  for (const output of [...app.outputs, ...early.outputs]) {
    const address = `/assets/${nameOf(output)}`;
    const bytes = address.endsWith(".css")
      ? Buffer.from(usedStyles(`${await output.text()}\n${themeStyles()}`, scripts))
      : new Uint8Array(await output.arrayBuffer());
    files.push(bundled(nameOf(output), true, bytes, quality));
    if (output === early.start) shared.__EARLY__ = address;
    else if (output === app.start) shared.__ENTRY__ = address;
    else if (address.endsWith(".css")) shared.__STYLES__ = address;
  }
  for (const name of readdirSync(join(WEB, "public")).sort())
    if (name !== "index.html")
      files.push(bundled(name, false, readFileSync(join(WEB, "public", name)), quality));
  const page = readFileSync(join(WEB, "public/index.html"), "utf8");
  for (const [name, areas] of Object.entries(AREAS)) {
    const preloads = app.closure(areas).map((file) => `<link rel="modulepreload" href="/assets/${file}" />`);
    const text = Object.entries({ ...shared, __PRELOADS__: preloads.join("\n    ") }).reduce(
      (filled, [place, value]) => filled.replace(place, value),
      page,
    );
    files.push(bundled(name, false, Buffer.from(text), quality));
  }
  return files;
}

/** The app checks values with schemas and never writes one down as JSON, which a fourth of the schema library is for. */
const withoutJsonSchemas: BunPlugin = {
  name: "without-json-schemas",
  setup(builder) {
    builder.onLoad(
      { filter: /zod\/v4\/core\/(?:json-schema-processors|to-json-schema)\.js$/ },
      async ({ path }) => {
        const names = Object.keys(await import(path));
        return {
          loader: "js",
          contents: names.map((name) => `export const ${name} = () => undefined;`).join("\n"),
        };
      },
    );
  },
};

/** Styles of the theme are in the bundle (theme-styles.ts): what makes them in a browser would reckon them out at each start all the same. */
const withoutThemeMakers: BunPlugin = {
  name: "without-theme-makers",
  setup(builder) {
    builder.onLoad({ filter: /\/(?:MantineCssVariables|MantineClasses)\.mjs$/ }, ({ path }) => ({
      loader: "js",
      contents: `export const ${basename(path, ".mjs")} = () => null;`,
    }));
  },
};

/** Code of ours makes its schemas when they are first asked for: see src/schemas/lazy-zod.ts. */
const lazySchemas: BunPlugin = {
  name: "lazy-schemas",
  setup(builder) {
    const path = join(WEB, "src/schemas/lazy-zod.ts");
    const ours = /\/(?:apps\/web\/src|packages\/contract\/src)\//;
    builder.onResolve({ filter: /^zod$/ }, ({ importer }) =>
      ours.test(importer) && importer !== path ? { path } : undefined,
    );
  },
};

/**
 * Browsers that know it (Chromium) compile such a file as a whole, beside the page's thread and while the rest comes. Otherwise each
 * function is compiled on the page's thread when it is first called, which was a sixth of all that thread did until an item could
 * be used. Others take it for the comment it is.
 */
const COMPILED_AS_IT_COMES = "//# allFunctionsCalledOnLoad";

/** @param entries the first is the start of a page; others only have files of their own, with all that they share with it */
async function build(entries: readonly [string, ...string[]], splitting: boolean) {
  const built = await Bun.build({
    entrypoints: entries.map((entry) => resolve(WEB, entry)),
    target: "browser",
    // In the head of a page a script of its own, which leaves no names behind.
    format: splitting ? "esm" : "iife",
    minify: true,
    splitting,
    metafile: true,
    banner: COMPILED_AS_IT_COMES,
    naming: { entry: "[name]-[hash].[ext]", chunk: "[name]-[hash].[ext]", asset: "[name]-[hash].[ext]" },
    publicPath: "/assets/",
    define: { "process.env.NODE_ENV": '"production"' },
    plugins: [lazySchemas, withoutJsonSchemas, withoutThemeMakers],
    throw: false,
  });
  if (!built.success) throw new Error(`the web app cannot be bundled:\n${built.logs.join("\n")}`);
  const chunks = new Map(
    Object.entries(built.metafile?.outputs ?? {}).map(([path, { imports }]) => [
      baseOf(path),
      imports.filter(({ kind }) => kind === "import-statement").map(({ path: other }) => baseOf(other)),
    ]),
  );
  const starts = built.outputs.filter(({ kind }) => kind === "entry-point");
  const start = starts.find((output) =>
    nameOf(output).startsWith(`${basename(entries[0], extname(entries[0]))}-`),
  );
  if (start === undefined) throw new Error(`the bundle has no file for ${entries[0]}`);
  const outputs = built.outputs.filter((output) => output === start || !starts.includes(output));
  return {
    start,
    outputs,
    scripts: outputs.filter(({ path }) => path.endsWith(".js")),
    /** The files of the start and of some areas and all that they import, but the first, which each page names anyway. */
    closure(areas: readonly string[]): string[] {
      const found = new Set<string>();
      const visit = (name: string) => {
        if (found.has(name)) return;
        found.add(name);
        for (const other of chunks.get(name) ?? []) visit(other);
      };
      visit(nameOf(start));
      for (const area of areas) {
        const file = [...chunks.keys()].find((name) => name.startsWith(`${area}-`));
        if (file === undefined) throw new Error(`the bundle has no file for ${area}`);
        visit(file);
      }
      found.delete(nameOf(start));
      return [...found];
    },
  };
}

function nameOf({ path }: { path: string }): string {
  return baseOf(path);
}

function baseOf(path: string): string {
  return path.replace(/^.*\//, "");
}

function bundled(name: string, lasting: boolean, plain: Uint8Array, quality: number): BundledFile {
  const type = TYPES[extname(name)];
  if (type === undefined) throw new Error(`${name}: say in ${import.meta.path} what type of file this is`);
  const brotli = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } });
  return { name, type, lasting, plain, brotli, gzip: gzipSync(plain, { level: 9 }) };
}

/** Where one form of a file lies in the bundle: offset and length, bytes. */
type Place = [offset: number, bytes: number];
interface IndexEntry {
  type: string;
  lasting: boolean;
  etag: string;
  plain: Place;
  brotli: Place;
  gzip: Place;
}

/**
 * All files in one: the length of the index (4 bytes, big endian), the index as JSON (offsets count from its end), and the
 * bytes. A server reads the index and serves slices.
 */
export function packBundle(files: readonly BundledFile[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let offset = 0;
  const put = (bytes: Uint8Array): Place => {
    parts.push(bytes);
    offset += bytes.length;
    return [offset - bytes.length, bytes.length];
  };
  const index: Record<string, IndexEntry> = {};
  for (const { name, type, lasting, plain, brotli, gzip } of files) {
    const etag = `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`;
    index[name] = { type, lasting, etag, plain: put(plain), brotli: put(brotli), gzip: put(gzip) };
  }
  const head = Buffer.from(JSON.stringify(index));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, ...parts]);
}
