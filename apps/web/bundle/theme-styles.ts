import { MantineProvider } from "@mantine/core";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { cssVariables, theme } from "../src/shell/theme.ts";

/**
 * The styles that the component library works out from the theme, hundreds of variables of colors among them. They are always the
 * same, so they are worked out here and not in each browser at each start; the app tells its provider so.
 */
export function themeStyles(): string {
  const page = renderToStaticMarkup(
    createElement(MantineProvider, { theme, cssVariablesResolver: cssVariables }),
  );
  const styles = [...page.matchAll(/<style[^>]*>([\s\S]*?)<\/style>/g)].map((match) => match[1]);
  if (styles.length !== 2) throw new Error(`the theme has ${styles.length} styles and not its two`);
  return styles.join("\n");
}
