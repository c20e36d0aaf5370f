export interface Choice {
  value: string;
  label: string;
  disabled?: boolean;
}

/**
 * The choices of a list with the value that a draft holds: what it named may be gone, and a browser would show the first choice in its
 * place without anybody having chosen it.
 */
export function withMissing(value: string, choices: readonly Choice[]): Choice[] {
  if (choices.some((choice) => choice.value === value)) return [...choices];
  return [{ value, label: "Choose one", disabled: true }, ...choices];
}
