import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { headingsInOrder } from "./heading-order.ts";
import { SafeLink } from "./safe-link.tsx";
import { visibleText } from "./visible-text.ts";

/**
 * Markdown that people and agents wrote. Nothing in it is ever loaded or run: HTML stands as text, a picture is a link to it,
 * a link that leads off this site asks first (WB-04, WB-05), and characters that hide or turn other text are named (PI-03).
 */
export function Markdown({ text }: { text: string }) {
  return (
    <div className="markdown">
      <ReactMarkdown
        remarkPlugins={[remarkGfm, headingsInOrder]}
        components={COMPONENTS}
        urlTransform={onlyPlainUrls}
      >
        {visibleText(text)}
      </ReactMarkdown>
    </div>
  );
}

const COMPONENTS: Components = {
  a: ({ href, children }) => <SafeLink href={href ?? ""}>{children}</SafeLink>,
  img: ({ src, alt }) => <SafeLink href={typeof src === "string" ? src : ""}>{alt || "picture"}</SafeLink>,
  table: ({ children }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by the keyboard.
    <section className="markdown-table" tabIndex={0} aria-label="Table">
      <table>{children}</table>
    </section>
  ),
  pre: ({ children }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by the keyboard.
    <pre tabIndex={0}>{children}</pre>
  ),
  input: ({ checked }) => <input type="checkbox" checked={checked === true} disabled aria-label="Done" />,
};

/** Addresses that a link may have; everything else becomes plain text. */
function onlyPlainUrls(url: string): string {
  return /^(?:https?:\/\/|mailto:|\/(?!\/)|#)/i.test(url) ? url : "";
}
