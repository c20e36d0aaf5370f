import { join } from "node:path";
import { gzipSync } from "bun";

/** Pages without the app, to compare its pages with; each has a button `[type=submit]` when it is ready. */
export interface FloorPages {
  /** React and the component library with one button. */
  libraries: string;
  /** All files that a page of the app names, fetched and compiled but not run, and a button in the page itself. */
  filesOf(page: string): string;
  stop(): Promise<void>;
}

/** Stands where the app begins, so that it finds the app's own libraries. */
const APP_MAIN = join(import.meta.dir, "../../apps/web/src/main.tsx");
const LIBRARIES_ALONE = `
  import { Button, MantineProvider } from "@mantine/core";
  import { createElement } from "react";
  import { createRoot } from "react-dom/client";
  createRoot(document.getElementById("app")).render(
    createElement(MantineProvider, null, createElement(Button, { type: "submit" }, "Go on")),
  );`;

/** @param app address of the server whose pages name the files */
export async function serveFloorPages(app: string): Promise<FloorPages> {
  const built = await Bun.build({
    entrypoints: [APP_MAIN],
    target: "browser",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"' },
    plugins: [
      {
        name: "libraries-alone",
        setup: (builder) => {
          builder.onLoad({ filter: /apps\/web\/src\/main\.tsx$/ }, () => ({
            loader: "js",
            contents: LIBRARIES_ALONE,
          }));
        },
      },
    ],
  });
  const script = await built.outputs[0]?.text();
  if (script === undefined) throw new Error("the floor page cannot be bundled");
  const packed = gzipSync(Buffer.from(script));
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const { pathname, search } = new URL(request.url);
      if (pathname === "/libraries")
        return page('<div id="app"></div><script type="module" src="/libraries.js"></script>');
      if (pathname === "/libraries.js")
        return new Response(packed, {
          headers: { "content-type": "text/javascript", "content-encoding": "gzip" },
        });
      if (pathname === "/files") return page(await filesOf(app + decodeURIComponent(search.slice(1))));
      return passOn(app + pathname, request.headers.get("accept-encoding") ?? "");
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    libraries: `${url}/libraries`,
    filesOf: (path) => `${url}/files?${encodeURIComponent(path)}`,
    stop: () => server.stop(true),
  };
}

function page(body: string): Response {
  const text = `<!doctype html><meta charset="utf-8"><title>Floor</title><body>${body}`;
  return new Response(text, { headers: { "content-type": "text/html; charset=utf-8" } });
}

/** The page's own files as files that are only fetched ahead. */
async function filesOf(address: string): Promise<string> {
  const text = await (await fetch(address)).text();
  const scripts = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map((match) => match[1] ?? "");
  const styles = [...text.matchAll(/href="(\/assets\/[^"]+\.css)"/g)].map((match) => match[1] ?? "");
  return [
    ...styles.map((file) => `<link rel="stylesheet" href="${file}">`),
    ...scripts.map((file) => `<link rel="modulepreload" href="${file}">`),
    '<button type="submit">Go on</button>',
  ].join("\n");
}

async function passOn(address: string, encodings: string): Promise<Response> {
  const answer = await fetch(address, { headers: { "accept-encoding": encodings }, decompress: false });
  return new Response(answer.body, { status: answer.status, headers: answer.headers });
}
