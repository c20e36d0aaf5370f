import { Button, Menu } from "@mantine/core";
import type { ReactNode } from "react";

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
    <Menu position="bottom-start" width={200}>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          className="pick"
          leftSection={chosen?.icon}
          aria-label={`${label}: ${chosen?.text ?? ""}`}
          {...(id === undefined ? {} : { "data-pick": id })}
        >
          {chosen?.text}
        </Button>
      </Menu.Target>
      <Menu.Dropdown aria-label={label}>
        <Menu.RadioGroup value={value} onChange={(picked) => onPick(picked as T)}>
          {choices.map((choice) => (
            <Menu.RadioItem key={choice.value} value={choice.value} closeMenuOnClick>
              <span className="pick-option">
                {choice.icon}
                {choice.text}
              </span>
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Menu.Dropdown>
    </Menu>
  );
}
