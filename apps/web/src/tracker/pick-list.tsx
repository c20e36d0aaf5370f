import { Button, Combobox, useCombobox } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { type ReactNode, useId, useState } from "react";

/** Something that can be picked from a list that is long enough to be searched. */
export interface Option {
  value: string;
  text: string;
  icon?: ReactNode;
  /** What is worth knowing before it is picked, such as whether an agent is free. */
  hint?: ReactNode;
  /** Heading under which it stands; options of a group come one after another. */
  group?: string;
}

/** A button that opens a list with a search field. */
export function PickList(props: {
  /** Accessible name of the list, and of the button unless `named`. */
  label: string;
  /** What the button shows says its name itself. */
  named?: boolean;
  options: readonly Option[];
  selected: readonly string[];
  onPick(value: string): void;
  /** Several can be picked: the list stays open. */
  multiple?: boolean;
  /** What the button shows. */
  children: ReactNode;
  /** Told what is searched for; then `options` are taken as what was found. */
  onSearch?(text: string): void;
  id?: string;
  variant?: "subtle" | "default";
  /** What stands where nothing is found. */
  empty?: ReactNode;
  icon?: ReactNode;
}) {
  const { label, options, selected, onPick, multiple = false, children, onSearch, id, icon } = props;
  const [search, setSearch] = useState("");
  const listId = useId();
  const find = (text: string) => {
    setSearch(text);
    onSearch?.(text);
    box.updateSelectedOptionIndex();
  };
  const box = useCombobox({
    onDropdownOpen: () => box.focusSearchInput(),
    onDropdownClose: () => {
      box.resetSelectedOption();
      box.focusTarget();
      setSearch("");
      onSearch?.("");
    },
  });
  const words = search.trim().toLowerCase();
  const shown =
    onSearch === undefined ? options.filter(({ text }) => text.toLowerCase().includes(words)) : options;
  return (
    <Combobox
      store={box}
      width={280}
      position="bottom-start"
      onOptionSubmit={(value) => {
        onPick(value);
        if (!multiple) box.closeDropdown();
      }}
    >
      <Combobox.Target withAriaAttributes={false} withKeyboardNavigation={false}>
        <Button
          variant={props.variant ?? "subtle"}
          color="gray"
          size="compact-sm"
          className="pick"
          {...(props.named ? {} : { "aria-label": label })}
          aria-haspopup="dialog"
          aria-expanded={box.dropdownOpened}
          leftSection={icon}
          onClick={() => box.toggleDropdown()}
          {...(id === undefined ? {} : { "data-pick": id })}
        >
          {children}
        </Button>
      </Combobox.Target>
      <Combobox.Dropdown>
        <div role="dialog" aria-label={label}>
          <Combobox.Search
            value={search}
            onChange={(event) => find(event.currentTarget.value)}
            placeholder="Search"
            aria-label={`Search: ${label}`}
          />
          <Combobox.Options id={listId} aria-label={label} className="pick-options">
            {grouped(shown).map(([group, some]) =>
              group === "" ? (
                some.map((option) => optionLine(option, selected))
              ) : (
                <Combobox.Group key={group} label={group}>
                  {some.map((option) => optionLine(option, selected))}
                </Combobox.Group>
              ),
            )}
            {shown.length === 0 && <Combobox.Empty>{props.empty ?? "Nothing found"}</Combobox.Empty>}
          </Combobox.Options>
        </div>
      </Combobox.Dropdown>
    </Combobox>
  );
}

function optionLine(option: Option, selected: readonly string[]) {
  const active = selected.includes(option.value);
  return (
    <Combobox.Option key={option.value} value={option.value} active={active}>
      <span className="pick-option">
        {option.icon}
        <span className="pick-text">
          {option.text}
          {option.hint !== undefined && <small>{option.hint}</small>}
        </span>
        {active && <IconCheck size={14} aria-hidden />}
      </span>
    </Combobox.Option>
  );
}

function grouped(options: readonly Option[]): [string, Option[]][] {
  const groups = new Map<string, Option[]>();
  for (const option of options) {
    const group = groups.get(option.group ?? "") ?? [];
    group.push(option);
    groups.set(option.group ?? "", group);
  }
  return [...groups];
}
