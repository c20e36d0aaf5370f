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
      "<p><span>a</span> <span>b</span></p>",
    ]);
});

test("PI-03 what a footnote says is not hidden", () => {
  expect(html("[^1]\n\n[^1]: words")).toContain("[^1]: words");
});

test("a text that goes too deep stands as it was written", () => {
  for (const deep of [">".repeat(30_000), "- ".repeat(5_000)])
    expect(html(`a\n\n${deep}`)).toStartWith("<pre>a");
  expect(html(`${"> ".repeat(60)}x`)).toContain("&gt; x");
});
