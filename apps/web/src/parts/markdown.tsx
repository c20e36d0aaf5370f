import { Lexer, type MarkedToken, type Token, Tokenizer, type Tokens } from "marked";
import { Fragment, type JSX, memo, type ReactNode } from "react";
import { withEntities } from "./entities.ts";
import { levelHeadings } from "./heading-order.ts";
import { SafeLink } from "./safe-link.tsx";
import { visibleText } from "./visible-text.ts";

/**
 * Markdown that people and agents wrote. Nothing in it is ever loaded or run: HTML stands as text, a picture is a link to it,
 * a link that leads off this site asks first (WB-04, WB-05). An agent reads the text itself, so what Markdown keeps from its readers
 * is shown too: characters that hide or turn other text are named, and titles, addresses and cells that stand nowhere else are
 * written out (PI-03). The library only takes the text apart; elements are made here, never HTML.
 */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  return <div className="markdown">{markdownNodes(visibleText(text))}</div>;
});

/** How deep lists, quotes and emphasis are shown inside each other; what is deeper stands as it was written. */
const DEPTH_MAX = 40;

/** So many quotes or lists in each other on one line are no writing, and take the library seconds. */
const NESTED = /^(?:[ \t]*[>*+-]){100}/m;

/** A text that the library cannot take apart, such as thousands of quotes in each other, stands as it was written. */
function markdownNodes(text: string): ReactNode {
  let tokens: Token[];
  let addresses: ReadonlySet<string>;
  if (NESTED.test(text)) return <pre>{text}</pre>;
  try {
    tokens = Lexer.lex(text, { gfm: true, tokenizer: new FirstDefinitions() });
    levelHeadings(tokens);
    addresses = addressesOf(tokens);
  } catch {
    return <pre>{text}</pre>;
  }
  return nodes(tokens, { depth: 0, addresses });
}

/** A label that is defined again means what it did: the library would leave the other definition out, and here it is text. */
class FirstDefinitions extends Tokenizer {
  override def(text: string): Tokens.Def | undefined {
    const token = super.def(text);
    return token !== undefined && token.tag in this.lexer.tokens.links ? undefined : token;
  }
}

/** Where the links and pictures of a text lead. */
function addressesOf(tokens: readonly Token[], addresses = new Set<string>()): Set<string> {
  for (const token of tokens as MarkedToken[]) {
    if (token.type === "link" || token.type === "image") addresses.add(token.href);
    if (token.type === "list") addressesOf(token.items, addresses);
    if (token.type === "table")
      for (const cell of [...token.header, ...token.rows.flat()]) addressesOf(cell.tokens, addresses);
    if ("tokens" in token) addressesOf(token.tokens ?? [], addresses);
  }
  return addresses;
}

/** Where a part stands. */
interface Place {
  depth: number;
  /** Of all links of the text. */
  addresses: ReadonlySet<string>;
}

function nodes(tokens: readonly Token[] | undefined, place: Place): ReactNode[] {
  return (tokens ?? []).map((token, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text, which change together.
    <Fragment key={index}>{node(token as MarkedToken, place)}</Fragment>
  ));
}

function node(token: MarkedToken, place: Place): ReactNode {
  if (place.depth > DEPTH_MAX) return token.raw;
  const inside = () => nodes("tokens" in token ? token.tokens : undefined, deeper(place));
  switch (token.type) {
    case "space":
      return null;
    case "def":
      return isUsed(token, place.addresses) ? null : <p className="markdown-html">{token.raw.trim()}</p>;
    case "text":
      return token.tokens === undefined ? withEntities(token.text) : inside();
    case "escape":
      return token.text;
    case "html":
      return token.block ? <p className="markdown-html">{token.raw.trim()}</p> : token.raw;
    case "paragraph":
      return <p>{inside()}</p>;
    case "heading": {
      const Heading = `h${token.depth}` as keyof JSX.IntrinsicElements;
      return <Heading>{inside()}</Heading>;
    }
    case "blockquote":
      return <blockquote>{inside()}</blockquote>;
    case "hr":
      return <hr />;
    case "br":
      return <br />;
    case "strong":
      return <strong>{inside()}</strong>;
    case "em":
      return <em>{inside()}</em>;
    case "del":
      return <del>{inside()}</del>;
    case "codespan":
      return <code>{token.text}</code>;
    case "code":
      return (
        <>
          {!LANGUAGE.test(token.lang ?? "") && <p className="markdown-html">{token.lang}</p>}
          {preformatted(token.text)}
        </>
      );
    case "checkbox":
      return (
        <>
          <input type="checkbox" checked={token.checked} disabled aria-label="Done" />{" "}
        </>
      );
    case "link":
      return linkOf(token, inside());
    case "image":
      return linkOf(token, withEntities(token.text) || "picture");
    case "list":
      return listOf(token, place);
    case "table":
      return hasMoreCells(token) ? preformatted(token.raw) : tableOf(token, place);
    default:
      return token.raw;
  }
}

function deeper({ depth, addresses }: Place): Place {
  return { depth: depth + 1, addresses };
}

function preformatted(text: string): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by the keyboard.
    <pre tabIndex={0}>
      <code>{text}</code>
    </pre>
  );
}

/** A language, and not words beside it: those are on no page. */
const LANGUAGE = /^[\w+#./-]{0,30}$/;

/** The definition of an address that a link leads to; its title would be on no page, nor would words as a label. */
function isUsed({ tag, title, href }: Tokens.Def, addresses: ReadonlySet<string>): boolean {
  if (title !== undefined && title !== "") return false;
  return /^[\w.-]{1,40}$/.test(tag) && addresses.has(href);
}

/** A link; where its address leads nowhere, that is written behind it, and so is its title. */
function linkOf({ href: written, title }: Tokens.Link | Tokens.Image, text: ReactNode): ReactNode {
  const href = plainUrl(written);
  const hidden = [
    ...(href === "" && written !== "" ? [`(${withEntities(written)})`] : []),
    ...(title ? [`“${withEntities(title)}”`] : []),
  ];
  return (
    <>
      <SafeLink href={href}>{text}</SafeLink>
      {hidden.length > 0 && ` ${hidden.join(" ")}`}
    </>
  );
}

/** Whether a row has cells beyond those of the head, which are not in the table then. */
function hasMoreCells({ raw, header }: Tokens.Table): boolean {
  return raw
    .split("\n")
    .slice(2)
    .some((line) => {
      const cells = line
        .replace(/\\[\s\S]/g, "x")
        .trim()
        .replace(/^\|/, "")
        .split("|");
      return cells.slice(header.length).some((cell) => cell.trim() !== "");
    });
}

function listOf({ ordered, start, items }: Tokens.List, place: Place): ReactNode {
  const List = ordered ? "ol" : "ul";
  const tasks = items.some(({ task }) => task);
  return (
    <List
      {...(ordered && start !== "" && start !== 1 ? { start } : {})}
      {...(tasks ? { className: "markdown-tasks" } : {})}
    >
      {items.map((item, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text, which change together.
        <li key={index}>{nodes(item.tokens, deeper(place))}</li>
      ))}
    </List>
  );
}

function tableOf({ header, rows }: Tokens.Table, place: Place): ReactNode {
  const cells = (row: readonly Tokens.TableCell[], Cell: "th" | "td") =>
    row.map(({ tokens, align }, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text, which change together.
      <Cell key={index} {...(align === null ? {} : { style: { textAlign: align } })}>
        {nodes(tokens, deeper(place))}
      </Cell>
    ));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by the keyboard.
    <section className="markdown-table" tabIndex={0} aria-label="Table">
      <table>
        <thead>
          <tr>{cells(header, "th")}</tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text, which change together.
            <tr key={index}>{cells(row, "td")}</tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Addresses that a link may have; where it has another it is plain text. */
function plainUrl(written: string): string {
  const url = withEntities(written);
  // Browsers drop tabs and ends of lines: `/<tab>/other.example` would leave for another server.
  if (/[\t\n\r]/.test(url)) return "";
  return /^(?:https?:\/\/|mailto:|\/(?![/\\])|#)/i.test(url) ? url : "";
}
