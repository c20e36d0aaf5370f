import type { ReactNode } from "react";
import { MenuButton } from "../parts/menu-button.tsx";

/** One of a few values that can be chosen. */
export interface Choice<T extends string> {
  value: T;
  text: string;
  icon?: ReactNode;
}

/** A value behind a button; the few others it may have are in a menu. */
export function PickMenu<T extends string>(props: {
  /** What is chosen, such as `Status`: the button is called `Status: To do`. */
  label: string;
  value: T;
  choices: readonly Choice<T>[];
  onPick(value: T): void;
  disabled?: boolean;
  id?: string;
}) {
  const { label, value, choices, onPick, disabled, id } = props;
  const chosen = choices.find((choice) => choice.value === value);
  if (disabled)
    return (
      <span className="picked">
        {chosen?.icon}
        {chosen?.text}
      </span>
    );
  return (
    <MenuButton
      label={`${label}: ${chosen?.text ?? ""}`}
      menuLabel={label}
      {...(id === undefined ? {} : { id })}
      lines={() => choiceLines(choices, value, onPick)}
    >
      {chosen?.icon}
      {chosen?.text}
    </MenuButton>
  );
}

/** Choices as lines of any menu, the chosen one marked. */
export function choiceLines<T extends string>(
  choices: readonly Choice<T>[],
  value: T,
  onPick: (value: T) => void,
) {
  return choices.map((choice) => ({
    kind: "radio" as const,
    text: (
      <span className="pick-option">
        {choice.icon}
        {choice.text}
      </span>
    ),
    on: choice.value === value,
    run: () => onPick(choice.value),
  }));
}
