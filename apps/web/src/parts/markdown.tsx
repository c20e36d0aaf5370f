import { Lexer, type MarkedToken, type Token, type Tokens } from "marked";
import { Fragment, type JSX, memo, type ReactNode } from "react";
import { withEntities } from "./entities.ts";
import { levelHeadings } from "./heading-order.ts";
import { SafeLink } from "./safe-link.tsx";
import { visibleText } from "./visible-text.ts";

/**
 * Markdown that people and agents wrote. Nothing in it is ever loaded or run: HTML stands as text, a picture is a link to it,
 * a link that leads off this site asks first (WB-04, WB-05), and characters that hide or turn other text are named (PI-03).
 * The library only takes the text apart; elements are made here, never HTML.
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
  if (NESTED.test(text)) return <pre>{text}</pre>;
  try {
    tokens = Lexer.lex(text, { gfm: true });
    levelHeadings(tokens);
  } catch {
    return <pre>{text}</pre>;
  }
  return nodes(tokens, 0);
}

function nodes(tokens: readonly Token[] | undefined, depth: number): ReactNode[] {
  return (tokens ?? []).map((token, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text, which change together.
    <Fragment key={index}>{node(token as MarkedToken, depth)}</Fragment>
  ));
}

function node(token: MarkedToken, depth: number): ReactNode {
  if (depth > DEPTH_MAX) return token.raw;
  const inside = () => nodes("tokens" in token ? token.tokens : undefined, depth + 1);
  switch (token.type) {
    case "space":
      return null;
    case "def":
      // A footnote looks like the address of a link, but says something.
      return token.tag.startsWith("^") ? <p>{token.raw}</p> : null;
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
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by the keyboard.
        <pre tabIndex={0}>
          <code>{token.text}</code>
        </pre>
      );
    case "checkbox":
      return (
        <>
          <input type="checkbox" checked={token.checked} disabled aria-label="Done" />{" "}
        </>
      );
    case "link":
      return <SafeLink href={plainUrl(token.href)}>{inside()}</SafeLink>;
    case "image":
      return <SafeLink href={plainUrl(token.href)}>{withEntities(token.text) || "picture"}</SafeLink>;
    case "list":
      return listOf(token, depth);
    case "table":
      return tableOf(token, depth);
    default:
      return token.raw;
  }
}

function listOf({ ordered, start, items }: Tokens.List, depth: number): ReactNode {
  const List = ordered ? "ol" : "ul";
  const tasks = items.some(({ task }) => task);
  return (
    <List
      {...(ordered && start !== "" && start !== 1 ? { start } : {})}
      {...(tasks ? { className: "markdown-tasks" } : {})}
    >
      {items.map((item, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text, which change together.
        <li key={index}>{nodes(item.tokens, depth + 1)}</li>
      ))}
    </List>
  );
}

function tableOf({ header, rows }: Tokens.Table, depth: number): ReactNode {
  const cells = (row: readonly Tokens.TableCell[], Cell: "th" | "td") =>
    row.map(({ tokens, align }, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text, which change together.
      <Cell key={index} {...(align === null ? {} : { style: { textAlign: align } })}>
        {nodes(tokens, depth + 1)}
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
