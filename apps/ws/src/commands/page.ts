import { type Call, type Command, EXIT, type Option, usageError, WORKSPACE_OPTION } from "../command.ts";
import { WS_SETTINGS } from "../config.ts";
import { field, list, text } from "../fields.ts";
import { idOf, itemKeyOf, textOf, workspaceOf } from "../item-key.ts";

const TITLE: Option = { name: "title", short: "t", value: "TEXT", doc: "title" };
const BODY: Option = {
  name: "body",
  short: "d",
  value: "TEXT",
  doc: "text in Markdown; - reads it from stdin",
};

/** Documents of a workspace. Inside a run those that its item links: its token opens no others. */
export const pageCommands: readonly Command[] = [
  {
    words: ["page", "list"],
    operandsMax: 0,
    doc: "list pages: those of this run's item, or of a workspace",
    options: [WORKSPACE_OPTION, { name: "search", short: "q", value: "TEXT", doc: "in title and text" }],
    run: async (call) => {
      const place = placeOf(call);
      const found = place === "" ? await fetchPages(call) : await call.api.get(`${place}/pages`);
      if (call.out.json) await call.out.data(found);
      else
        await call.out.table(
          list(found, "pages"),
          [
            { title: "PAGE", text: (one) => text(one, "id") },
            { title: "TITLE", text: (one) => text(one, "title"), shrinks: true },
            { title: "CHANGED", text: (one) => text(one, "updated_at") },
            { title: "BY", text: (one) => text(one, "editor", "name") },
          ],
          "no pages",
        );
      return EXIT.ok;
    },
  },
  {
    words: ["page", "show"],
    operands: "PAGE",
    doc: "print a page",
    run: async (call) => {
      const id = idOf(call, "a page");
      const page = await call.api.get(`${placeOf(call)}/pages/${id}`);
      await call.out.answer(page, () => `${text(page, "title")}\n\n${text(page, "body")}`.trimEnd());
      return EXIT.ok;
    },
  },
  {
    words: ["page", "create"],
    operandsMax: 0,
    doc: "create a page and print its number",
    options: [WORKSPACE_OPTION, TITLE, BODY],
    run: async (call) => {
      const title = call.option("title");
      if (!title) throw usageError("give it a title with -t");
      const body = call.has("body") ? await textOf(call, "body") : "";
      const page = await call.api.send("POST", `/workspaces/${workspaceOf(call)}/pages`, { title, body });
      await call.out.answer(page, () => text(page, "id"));
      return EXIT.ok;
    },
  },
  {
    words: ["page", "edit"],
    operands: "PAGE",
    doc: "replace title or text of a page",
    options: [TITLE, BODY],
    run: async (call) => {
      const id = idOf(call, "a page");
      const title = call.option("title");
      if (title === undefined && !call.has("body")) throw usageError("say what to change");
      const version = field(await call.api.get(`/pages/${id}`), "version");
      const page = await call.api.send("PATCH", `/pages/${id}`, {
        version,
        ...(title === undefined ? {} : { title }),
        ...(call.has("body") ? { body: await textOf(call, "body") } : {}),
      });
      await call.out.answer(page, () => `changed page ${id}`);
      return EXIT.ok;
    },
  },
];

/** Where pages are looked for: below the item of the run, or nowhere in particular. */
function placeOf({ env, has }: Pick<Call, "env" | "has">): string {
  if (env[WS_SETTINGS.runId.name] === undefined) return "";
  // All of them would be taken for those that were found.
  if (has("search")) throw usageError("inside a run -q finds nothing: list its pages without it");
  return `/items/${itemKeyOf({ env, operands: [] })}`;
}

/** What one call lists, the newest first. */
const PAGES_STEP = 200;

/** All pages of a workspace, or those a search finds, in as many calls as it takes: the API bounds how many there are. */
async function fetchPages(call: Call): Promise<{ pages: unknown[]; next_before: null }> {
  const pages: unknown[] = [];
  const query = new URLSearchParams({ limit: String(PAGES_STEP) });
  if (call.has("search")) query.set("q", call.option("search") ?? "");
  const at = `/workspaces/${workspaceOf(call)}/pages`;
  for (let before: unknown; ; ) {
    if (typeof before === "number") query.set("before", String(before));
    const step = await call.api.get(`${at}?${query}`);
    pages.push(...list(step, "pages"));
    const next = field(step, "next_before");
    // A cursor that stands still would never come to an end.
    if (typeof next !== "number" || next === before) return { pages, next_before: null };
    before = next;
  }
}
