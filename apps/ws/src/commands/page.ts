import { type Command, EXIT, type Option, usageError, WORKSPACE_OPTION } from "../command.ts";
import { field, list, text } from "../fields.ts";
import { idOf, textOf, workspaceOf } from "../item-key.ts";

const TITLE: Option = { name: "title", short: "t", value: "TEXT", doc: "title" };
const BODY: Option = {
  name: "body",
  short: "d",
  value: "TEXT",
  doc: "text in Markdown; - reads it from stdin",
};

/** Documents of a workspace. Inside a run those answer that its item links. */
export const pageCommands: readonly Command[] = [
  {
    words: ["page", "list"],
    operandsMax: 0,
    doc: "list the pages of a workspace",
    options: [WORKSPACE_OPTION, { name: "search", short: "q", value: "TEXT", doc: "in title and text" }],
    run: async (call) => {
      const query = call.has("search") ? `?q=${encodeURIComponent(call.option("search") ?? "")}` : "";
      const page = await call.api.get(`/workspaces/${workspaceOf(call)}/pages${query}`);
      if (call.out.json) await call.out.data(page);
      else
        await call.out.table(
          list(page, "pages"),
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
      const page = await call.api.get(`/pages/${idOf(call, "a page")}`);
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
