/** Two gusts and a turn: the mark of the product. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" focusable="false">
      <path d="M3 9h11a3 3 0 1 0-3-3" />
      <path d="M3 14h14.5a2.8 2.8 0 1 1-2.8 2.8" />
      <path d="M3 19h6" />
    </svg>
  );
}
