import { join } from "node:path";
import { runsFromSource } from "@windshift/base/build-version.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { z } from "zod";

/** Name of the file of web pages inside a compiled server. */
export const BUNDLE_NAME = "web-app.bundle";

const Place = z.tuple([z.int().min(0), z.int().min(0)]);
const Index = z.record(
  z.string(),
  z.object({
    type: z.string(),
    lasting: z.boolean(),
    etag: z.string(),
    plain: Place,
    brotli: Place,
    gzip: Place,
  }),
);

export type Encoding = "plain" | "brotli" | "gzip";
/** One file of the web app, in the forms that browsers take. */
export interface WebFile {
  type: string;
  /** May be kept for good: its name changes with its content. */
  lasting: boolean;
  etag: string;
  /** The bytes, unread until they are sent. */
  body(encoding: Encoding): Blob;
}

/** The web app's files, by name. Its layout is that of apps/web/bundle/build-bundle.ts. */
export async function openWebBundle(): Promise<ReadonlyMap<string, WebFile>> {
  const bundle = runsFromSource ? Bun.file(await buildFromSource()) : embeddedBundle();
  const headBytes = new DataView(await bundle.slice(0, 4).arrayBuffer()).getUint32(0);
  const start = 4 + headBytes;
  const index = Index.parse(JSON.parse(await bundle.slice(4, start).text()));
  return new Map(
    Object.entries(index).map(([name, entry]) => [
      name,
      {
        ...entry,
        body: (encoding: Encoding) => {
          const [offset, bytes] = entry[encoding];
          return bundle.slice(start + offset, start + offset + bytes);
        },
      },
    ]),
  );
}

function embeddedBundle(): Blob {
  const found = Bun.embeddedFiles.find((file) => /web-app(?:-\w+)?\.bundle$/.test(nameOf(file)));
  if (found === undefined)
    throw new AppError("internal", "this server was built without its pages: build it with `npm run build`");
  return found;
}

function nameOf(file: Blob): string {
  return "name" in file && typeof file.name === "string" ? file.name : "";
}

/** Bundles in a process of its own, once for each state of the sources; half a second when it was not done yet. */
async function buildFromSource(): Promise<string> {
  const program = join(import.meta.dir, "../../../web/bundle/main.ts");
  const child = Bun.spawn([process.execPath, program], { stdout: "pipe", stderr: "pipe" });
  const [path, problem] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0)
    throw new AppError("internal", "the pages cannot be bundled; the log of the server says why", {
      cause: new Error(problem),
    });
  return path.trim();
}
