import postcss, { type Rule } from "postcss";

/** A class of the component library: the component's code names it, or nothing does. */
const LIBRARY_CLASS = /\.(m_[0-9a-f]+)/g;
/** What the bundler writes beside each `:is()` for browsers that the app does not run in; others try both on every element. */
const OLD_TWIN = /:-(?:webkit|moz)-any\(/;

/**
 * Styles without those of components that the app does not have: rules whose selectors all name a class of the library that
 * stands in none of the scripts. Twins of rules for old browsers go too.
 * @param scripts everything the app may ever run, one after the other
 */
export function usedStyles(css: string, scripts: string): string {
  const known = new Set(scripts.match(/\bm_[0-9a-f]+\b/g));
  const root = postcss.parse(css);
  root.walkRules((rule: Rule) => {
    const used = rule.selectors.filter(
      (selector) =>
        !OLD_TWIN.test(selector) &&
        [...selector.matchAll(LIBRARY_CLASS)].every(([, name]) => known.has(name ?? "")),
    );
    if (used.length === 0) rule.remove();
    else if (used.length < rule.selectors.length) rule.selectors = used;
  });
  root.walkAtRules((rule) => {
    if (rule.nodes?.length === 0) rule.remove();
  });
  return root.toString();
}
