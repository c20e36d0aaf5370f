/** The part of a Markdown tree that is looked at here. */
interface Node {
  type: string;
  depth?: number;
  tokens?: Node[];
  items?: Node[];
}

/** Headings of a text stand under those of its page: the page's own are of the first two levels. */
const DEPTH_MIN = 3;
const DEPTH_MAX = 6;

/**
 * Gives the headings of a text the levels that their order makes, whatever levels the writer chose, so that who reads by
 * headings finds none missing.
 */
export function levelHeadings(tokens: readonly Node[]): void {
  const above: number[] = [];
  visit(tokens, (heading, depth) => {
    while (above.length > 0 && (above.at(-1) ?? 0) >= depth) above.pop();
    heading.depth = Math.min(DEPTH_MIN + above.length, DEPTH_MAX);
    above.push(depth);
  });
}

function visit(nodes: readonly Node[], onHeading: (heading: Node, depth: number) => void): void {
  for (const node of nodes) {
    if (node.type === "heading" && node.depth !== undefined) onHeading(node, node.depth);
    visit(node.tokens ?? node.items ?? [], onHeading);
  }
}
