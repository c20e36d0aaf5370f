import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
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

/**
 * Bundles the app: a file for its start, one for each page that is loaded when it is opened.
 * @throws Error with what the bundler said
 */
export async function buildBundle(): Promise<BundledFile[]> {
  const built = await Bun.build({
    entrypoints: [join(WEB, "src/main.tsx")],
    target: "browser",
    minify: true,
    splitting: true,
    naming: { entry: "[name]-[hash].[ext]", chunk: "[name]-[hash].[ext]", asset: "[name]-[hash].[ext]" },
    publicPath: "/assets/",
    define: { "process.env.NODE_ENV": '"production"' },
    throw: false,
  });
  if (!built.success) throw new Error(`the web app cannot be bundled:\n${built.logs.join("\n")}`);
  const files: BundledFile[] = [];
  let page = readFileSync(join(WEB, "public/index.html"), "utf8");
  const scripts = await Promise.all(
    built.outputs.filter(({ path }) => path.endsWith(".js")).map((output) => output.text()),
  );
  for (const output of built.outputs) {
    const name = output.path.replace(/^.*\//, "");
    const bytes = name.endsWith(".css")
      ? Buffer.from(usedStyles(await output.text(), scripts.join("\n")))
      : new Uint8Array(await output.arrayBuffer());
    files.push(bundled(name, true, bytes));
    if (output.kind === "entry-point") page = page.replace("__ENTRY__", `/assets/${name}`);
    else if (name.endsWith(".css")) page = page.replace("__STYLES__", `/assets/${name}`);
  }
  for (const name of readdirSync(join(WEB, "public")).sort())
    if (name !== "index.html") files.push(bundled(name, false, readFileSync(join(WEB, "public", name))));
  files.push(bundled("index.html", false, Buffer.from(page)));
  return files;
}

function bundled(name: string, lasting: boolean, plain: Uint8Array): BundledFile {
  const type = TYPES[extname(name)];
  if (type === undefined) throw new Error(`${name}: say in ${import.meta.path} what type of file this is`);
  const brotli = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
  return { name, type, lasting, plain, brotli, gzip: gzipSync(plain) };
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
