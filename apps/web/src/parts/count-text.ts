/** A whole number as people read it: `12,345`. What the browser has for that takes a moment to set itself up, on most pages' start. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
