import { type ReactNode, startTransition, useEffect, useState } from "react";

/** Whoever opens an address sees the top of its page first. Who reloads, goes back or follows a fragment may stand further down. */
const [opening] = performance.getEntriesByType("navigation");
const fresh = opening instanceof PerformanceNavigationTiming && opening.type === "navigate";
let firstPath = fresh && location.hash === "" ? location.pathname : undefined;

/** Whether what is drawn now is the page that the app was opened with, of which nobody has seen anything yet. */
export function isFirstLook(): boolean {
  return location.pathname === firstPath;
}

/**
 * What stands below the first screen: of the page that the app was opened with it is read and drawn after the rest, which can be seen
 * and used meanwhile. Pages that are gone to in the app are drawn whole, so that they stand where they stood.
 * @param read reads what is shown, within a moment; may fail, as what is shown says so itself
 */
export function Later({ read, children }: { read(): Promise<unknown>; children: ReactNode }) {
  const [shown, setShown] = useState(() => !isFirstLook());
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, after the first drawing.
  useEffect(() => {
    firstPath = undefined;
    if (shown) return;
    let left = false;
    const show = () => {
      if (!left) startTransition(() => setShown(true));
    };
    afterPaint(() => read().then(show, show));
    return () => {
      left = true;
    };
  }, []);
  return shown ? children : null;
}

/** A page in the background is not painted. */
function afterPaint(run: () => void): void {
  if (document.hidden) run();
  else requestAnimationFrame(() => setTimeout(run));
}
