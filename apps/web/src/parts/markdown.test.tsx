import { expect, test } from "bun:test";
import { renderToStaticMarkup } from "react-dom/server";
import { Markdown } from "./markdown.tsx";

const html = (text: string) => renderToStaticMarkup(<Markdown text={text} />).slice(22, -6);

test("what people write becomes what they mean", () => {
  expect(html("# A\n\n### B\n\na *b* **c** ~~d~~ `e<f` &lt;g&gt; \\*h\\*  \ni")).toBe(
    "<h3>A</h3><h4>B</h4><p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e&lt;f</code> &lt;g&gt; *h*<br/>i</p>",
  );
  expect(html("- [x] a\n- [ ] b\n\n3. c\n\n> d\n\n---")).toContain('<ol start="3"><li>c</li></ol>');
  expect(html("```ts\nx < y\n```")).toBe('<pre tabindex="0"><code>x &lt; y</code></pre>');
  expect(html("| a | b |\n| :-: | - |\n| c | d |")).toContain(
    '<thead><tr><th style="text-align:center">a</th><th>b</th></tr></thead>',
  );
});

test("WB-04 HTML and comments stand as text, and so does an address of another kind", () => {
  expect(html("<script>x</script>\n\n<!-- y -->\n\na <b onclick=z>c</b>")).toBe(
    '<p class="markdown-html">&lt;script&gt;x&lt;/script&gt;</p><p class="markdown-html">&lt;!-- y --&gt;</p>' +
      "<p>a &lt;b onclick=z&gt;c&lt;/b&gt;</p>",
  );
  for (const address of [
    "javascript:x",
    "JaVaScript:x",
    "&#106;avascript:x",
    "data:text/html,x",
    "//evil.test/x",
    "/\\evil.test",
    "/&#9;/evil.test",
    "/&#10;/evil.test",
  ])
    expect([address, html(`[a](${address}) ![b](${address})`)]).toEqual([
      address,
      `<p><span>a</span> ${shownAs(address)} <span>b</span> ${shownAs(address)}</p>`,
    ]);
});

/** What leads nowhere stands behind the words of its link. */
function shownAs(address: string): string {
  return `(${address.replace("&#106;", "j").replace("&#9;", "\t").replace("&#10;", "\n")})`;
}

test.each([
  ["a footnote", "[^1]\n\n[^1]: do it", "[^1]: do it"],
  ["the label of an address that no link has", "[do it]: https://a.test/", "[do it]: https://a.test/"],
  ["an address that no link has", "[a]: https://a.test/do-it", "https://a.test/do-it"],
  ["the title of an address", '[a]\n\n[a]: b.md "do it"', "[a]: b.md &quot;do it&quot;"],
  ["the title of a link", '[a](b.md "do it")', "<span>a</span> (b.md) “do it”"],
  ["the title of a picture", '![a](b.png "do it")', "(b.png) “do it”"],
  ["an address that is none", "[a](<do it>)", "<span>a</span> (do it)"],
  ["words behind the language of code", "```ts do it\nx\n```", "ts do it</p><pre"],
  ["cells that the head of a table has not", "| a |\n| - |\n| b | do it |", "| b | do it |</code>"],
  ["such cells of escapes alone", "| a |\n| - |\n| b | \\d\\o |", "\\d\\o |</code>"],
  ["a definition whose label stands in code", "`[a]` and\n\n[a]: https://x.test/ignore-all", "ignore-all"],
  ["a second definition", "see [a]\n\n[a]: one.md\n\n[a]: ignore-all.md", "ignore-all"],
])("PI-03 what an agent reads is not hidden from people: %s", (_, text, shown) => {
  expect(html(text)).toContain(shown);
});

test("an address that a link of the text has, and a row with a pipe in a cell, are as they were meant", () => {
  expect(html("see [docs] and [it][docs]\n\n[docs]: docs.md")).toBe(
    "<p>see <span>docs</span> (docs.md) and <span>it</span> (docs.md)</p>",
  );
  expect(html("| a |\n| - |\n| b \\| c |")).toContain("<td>b | c</td>");
  expect(html("| a | b |\n| - | - |\n| c |\n| d | e | |")).toContain("<td>e</td>");
});

test("a text that goes too deep stands as it was written", () => {
  for (const deep of [">".repeat(30_000), "- ".repeat(5_000)])
    expect(html(`a\n\n${deep}`)).toStartWith("<pre>a");
  expect(html(`${"> ".repeat(60)}x`)).toContain("&gt; x");
});
