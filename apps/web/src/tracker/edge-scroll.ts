/** Nearer to an edge than this the place scrolls, px, and so fast at the edge itself, px a second. */
const EDGE_PX = 56;
const SPEED_PX = 900;

/** Where something is held, in the window, px. */
export interface HeldAt {
  x: number;
  y: number;
}

/**
 * While something is held near an edge of the window, the board scrolls sideways and the page up and down, the faster the nearer.
 * @param onScrolled told when another part lies under what is held
 * @returns ends it
 */
export function scrollAtEdges(board: HTMLElement, held: () => HeldAt, onScrolled: () => void): () => void {
  const page = document.scrollingElement ?? document.documentElement;
  let before = performance.now();
  let frame = requestAnimationFrame(function step(now) {
    const share = Math.min(now - before, 100) / 1_000;
    before = now;
    const { x, y } = held();
    const left = board.scrollLeft;
    const top = page.scrollTop;
    board.scrollLeft += edgeSpeed(x, window.innerWidth) * share;
    page.scrollTop += edgeSpeed(y, window.innerHeight) * share;
    if (board.scrollLeft !== left || page.scrollTop !== top) onScrolled();
    frame = requestAnimationFrame(step);
  });
  return () => cancelAnimationFrame(frame);
}

/** Px a second; negative towards the start, 0 away from both edges. */
export function edgeSpeed(at: number, length: number): number {
  // In a window that is hardly wider than its edges half of it is left to each.
  const edge = Math.min(EDGE_PX, length / 4);
  const near = Math.max(0, edge - at) - Math.max(0, at - (length - edge));
  return (-Math.max(-edge, Math.min(edge, near)) / edge) * SPEED_PX;
}
