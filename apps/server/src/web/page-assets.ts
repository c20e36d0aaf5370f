import { createHash } from "node:crypto";
import type { RouteTable } from "../http/route-table.ts";
import appJs from "./assets/app.js" with { type: "text" };
import copyJs from "./assets/copy.js" with { type: "text" };
import diffCss from "./assets/diff.css" with { type: "text" };
import formsCss from "./assets/forms.css" with { type: "text" };
import formsJs from "./assets/forms.js" with { type: "text" };
import frameCss from "./assets/frame.css" with { type: "text" };
import icon from "./assets/icon.svg" with { type: "text" };
import partsCss from "./assets/parts.css" with { type: "text" };
import poolsCss from "./assets/pools.css" with { type: "text" };
import refreshJs from "./assets/refresh.js" with { type: "text" };
import runCss from "./assets/run.css" with { type: "text" };
import settingsCss from "./assets/settings.css" with { type: "text" };
import themeCss from "./assets/theme.css" with { type: "text" };
import timesJs from "./assets/times.js" with { type: "text" };
import transcriptJs from "./assets/transcript.js" with { type: "text" };
import transcriptEntriesJs from "./assets/transcript-entries.js" with { type: "text" };

const CSS = "text/css; charset=utf-8";
const JS = "text/javascript; charset=utf-8";

/** Everything the pages load; nothing comes from anywhere else. */
const ASSETS: Record<string, { type: string; text: string }> = {
  "app.css": {
    type: CSS,
    text: [themeCss, frameCss, formsCss, partsCss, runCss, diffCss, settingsCss, poolsCss].join("\n"),
  },
  "app.js": { type: JS, text: appJs },
  "copy.js": { type: JS, text: copyJs },
  "forms.js": { type: JS, text: formsJs },
  "refresh.js": { type: JS, text: refreshJs },
  "times.js": { type: JS, text: timesJs },
  "transcript.js": { type: JS, text: transcriptJs },
  "transcript-entries.js": { type: JS, text: transcriptEntriesJs },
  "icon.svg": { type: "image/svg+xml", text: icon },
};

export function addAssetRoutes(table: RouteTable): void {
  for (const [name, { type, text }] of Object.entries(ASSETS)) {
    const etag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
    // Asked for again each time, answered with 304: a new version of the server is a new page at once.
    const headers = { "content-type": type, "cache-control": "no-cache", etag };
    table.mount(["GET"], `/assets/${name}`, "public", (c) =>
      c.req.header("if-none-match") === etag
        ? new Response(null, { status: 304, headers })
        : new Response(text, { headers }),
    );
  }
}
