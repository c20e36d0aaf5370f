import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

/** From the lightest to the darkest; 6 is the filled button in light, 5 in dark. */
const indigo: MantineColorsTuple = [
  "#eeeefb",
  "#dad9f5",
  "#bbb9ef",
  "#a5a2ff",
  "#7d79ee",
  "#5b56e0",
  "#4a45d6",
  "#3b36b8",
  "#312d99",
  "#26237a",
];
/** Greys of the dark scheme, from text to the ground. */
const dark: MantineColorsTuple = [
  "#e7e8ee",
  "#c3c5d0",
  "#a0a3b1",
  "#747786",
  "#3a3d49",
  "#2a2c36",
  "#1d1e26",
  "#16171d",
  "#0e0f13",
  "#08090b",
];
const SANS =
  'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const MONO = 'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace';

export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 6, dark: 5 },
  colors: { indigo, dark },
  fontFamily: SANS,
  fontFamilyMonospace: MONO,
  headings: { fontFamily: SANS, fontWeight: "600" },
  defaultRadius: "sm",
  cursorType: "pointer",
  autoContrast: true,
  respectReducedMotion: true,
});

/** Text that says less still has a contrast of 4.5 to 1, which the library's own grey has not. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#5b5d69",
    "--mantine-color-placeholder": "#6a6c78",
    "--mantine-color-error": "#b3261e",
    "--mantine-color-anchor": "#4a45d6",
    "--mantine-color-text": "#1a1b21",
  },
  dark: {
    "--mantine-color-dimmed": "#a0a3b1",
    "--mantine-color-placeholder": "#8d90a0",
    "--mantine-color-error": "#ff8d83",
    "--mantine-color-anchor": "#a5a2ff",
    "--mantine-color-text": "#e7e8ee",
  },
});
