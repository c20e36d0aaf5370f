// Before the first paint: the colors the reader chose, else those of the system.
(() => {
  let kept = null;
  try {
    kept = localStorage.getItem("mantine-color-scheme-value");
  } catch {
    // A browser without a store takes the system's.
  }
  const dark = kept === "dark" || (kept !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
// Before any schema is made: they would try to write code of their own, which the policy of the page forbids and notes.
globalThis.__zod_globalConfig = { jitless: true };
