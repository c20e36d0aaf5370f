import { IconCheck } from "@tabler/icons-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { usePopup } from "../parts/popup.tsx";

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
  /** Told when it opens: from then on `options` are needed. */
  onOpen?(): void;
  id?: string;
  variant?: "subtle" | "default";
  /** What stands where nothing is found. */
  empty?: ReactNode;
  icon?: ReactNode;
}) {
  const { label, children, id, icon } = props;
  const popup = usePopup("start", (box) => box.querySelector("input"));
  return (
    <>
      <button
        {...popup.buttonProps}
        className={props.variant === "default" ? "pick pick-framed" : "pick"}
        {...(props.named ? {} : { "aria-label": label })}
        aria-haspopup="dialog"
        {...(id === undefined ? {} : { "data-pick": id })}
      >
        {icon}
        {children}
      </button>
      <div {...popup.boxProps} className="popup pick-box" role="dialog" aria-label={label}>
        {popup.open && <Found {...props} close={popup.close} />}
      </div>
    </>
  );
}

/** The search field and what it finds; the field keeps the focus and its keys choose. */
function Found(props: Parameters<typeof PickList>[0] & { close(): void }) {
  const { label, options, selected, onPick, multiple = false, onSearch, onOpen, close } = props;
  const [search, setSearch] = useState("");
  const [at, setAt] = useState(-1);
  const listId = useId();
  const told = useRef({ onSearch, onOpen });
  told.current = { onSearch, onOpen };
  useEffect(() => {
    told.current.onOpen?.();
    return () => told.current.onSearch?.("");
  }, []);
  const words = search.trim().toLowerCase();
  const shown =
    onSearch === undefined ? options.filter(({ text }) => text.toLowerCase().includes(words)) : options;
  const groups = grouped(shown);
  const inOrder = groups.flatMap(([, some]) => some);
  const chosenAt = at < 0 || inOrder.length === 0 ? undefined : at % inOrder.length;
  const find = (text: string) => {
    setSearch(text);
    onSearch?.(text);
    // Enter takes the first that is found; of what a server finds later nobody knows yet which that is.
    setAt(text.trim() === "" || onSearch !== undefined ? -1 : 0);
  };
  const take = (option: Option) => {
    onPick(option.value);
    if (!multiple) close();
  };
  const press = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && inOrder.length > 0)
      setAt(((chosenAt ?? (step < 0 ? 0 : -1)) + step + inOrder.length) % inOrder.length);
    const chosen = chosenAt === undefined ? undefined : inOrder[chosenAt];
    if (event.key === "Enter" && chosen !== undefined && !event.nativeEvent.isComposing) take(chosen);
    if (step !== 0 || event.key === "Enter") event.preventDefault();
  };
  const line = (option: Option) => {
    const index = inOrder.indexOf(option);
    return (
      <OptionLine
        key={option.value}
        id={`${listId}-${index}`}
        option={option}
        picked={selected.includes(option.value)}
        chosen={index === chosenAt}
        take={() => take(option)}
      />
    );
  };
  return (
    <>
      <input
        className="pick-search"
        role="combobox"
        aria-expanded
        aria-autocomplete="list"
        aria-controls={listId}
        aria-activedescendant={chosenAt === undefined ? undefined : `${listId}-${chosenAt}`}
        value={search}
        onChange={(event) => find(event.currentTarget.value)}
        onKeyDown={press}
        placeholder="Search"
        aria-label={`Search: ${label}`}
      />
      <div role="listbox" id={listId} aria-label={label} className="pick-options">
        {groups.map(([group, some]) =>
          group === "" ? (
            some.map(line)
          ) : (
            // biome-ignore lint/a11y/useSemanticElements: a group of options, not of fields.
            <div key={group} role="group" aria-label={group}>
              <div className="menu-label" aria-hidden>
                {group}
              </div>
              {some.map(line)}
            </div>
          ),
        )}
      </div>
      {shown.length === 0 && <p className="pick-empty">{props.empty ?? "Nothing found"}</p>}
    </>
  );
}

function OptionLine(props: { id: string; option: Option; picked: boolean; chosen: boolean; take(): void }) {
  const { id, option, picked, chosen, take } = props;
  const line = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (chosen) line.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the field keeps the focus and its keys choose.
    <div
      ref={line}
      id={id}
      role="option"
      aria-selected={picked}
      className="menu-line"
      {...(chosen ? { "data-chosen": true } : {})}
      onMouseDown={(event) => event.preventDefault()}
      onClick={take}
    >
      <span className="pick-option">
        {option.icon}
        <span className="pick-text">
          {option.text}
          {option.hint !== undefined && <small>{option.hint}</small>}
        </span>
        {picked && <IconCheck size={14} aria-hidden />}
      </span>
    </div>
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
