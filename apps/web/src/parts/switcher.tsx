import { useId } from "react";

/** A few values side by side of which one is chosen. */
export function Switcher<T extends string>(props: {
  /** What is chosen here. */
  label: string;
  value: T;
  choices: readonly { value: T; text: string }[];
  onChange(value: T): void;
}) {
  const { label, value, choices, onChange } = props;
  const name = useId();
  return (
    <div role="radiogroup" aria-label={label} className="switcher">
      {choices.map((choice) => (
        <label key={choice.value} className="switch">
          <input
            type="radio"
            name={name}
            checked={choice.value === value}
            onChange={() => onChange(choice.value)}
          />
          <span>{choice.text}</span>
        </label>
      ))}
    </div>
  );
}
