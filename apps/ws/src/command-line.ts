import { WS_SETTINGS } from "./config.ts";

export type Command =
  | { kind: "help" }
  | { kind: "version" }
  | { kind: "item_show"; key: string; json: boolean }
  /** Without `body` the text comes from stdin. */
  | { kind: "comment_add"; key: string; body: string | undefined; json: boolean }
  | { kind: "usage"; problem: string };

export const HELP = `ws: work items from the command line

  ws item show [KEY]                     print a work item
  ws comment add [KEY] [-m TEXT | -]     comment on it; without -m the text is read from stdin
  ws --version
  ws help

  -o json    print JSON

KEY is a key such as DEMO-12; inside a run it defaults to the run's own item.
Settings: WS_API_URL, WS_TOKEN, WINDSHIFT_ITEM_KEY.
`;

/** `DEMO-12`; the same rule as the contract's WorkItemKey. */
const KEY = /^[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{0,8}$/;

export function parseCommandLine(argv: readonly string[], env: Record<string, string | undefined>): Command {
  const words: string[] = [];
  let json = false;
  let body: string | undefined;
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (word === "--help" || word === "-h") return { kind: "help" };
    if (word === "--version") return { kind: "version" };
    if (word === "-o" || word === "-m") {
      const value = argv[++at];
      if (value === undefined) return usage(`${word} needs a value`);
      if (word === "-m") body = value;
      else if (value === "json") json = true;
      else return usage(`-o knows only json, not ${value}`);
    } else if (word.startsWith("-") && word !== "-") return usage(`unknown option ${word}`);
    else words.push(word);
  }
  return commandOf(words, { json, body, key: env[WS_SETTINGS.itemKey.name] });
}

function commandOf(
  words: readonly string[],
  options: { json: boolean; body: string | undefined; key: string | undefined },
): Command {
  const [noun, verb, ...rest] = words;
  if (noun === undefined || noun === "help") return { kind: "help" };
  const what = `${noun} ${verb ?? ""}`.trim();
  if (what !== "item show" && what !== "comment add") return usage(`unknown command ${what}`);
  const [given, ...extra] = rest.filter((word) => word !== "-");
  const key = given ?? options.key;
  if (extra.length > 0) return usage(`too many words: ${extra.join(" ")}`);
  if (!key) return usage("name a work item, or set WINDSHIFT_ITEM_KEY");
  if (!KEY.test(key)) return usage(`${JSON.stringify(key)} is no key such as DEMO-12`);
  const { json, body } = options;
  return what === "item show" ? { kind: "item_show", key, json } : { kind: "comment_add", key, body, json };
}

function usage(problem: string): Command {
  return { kind: "usage", problem };
}
