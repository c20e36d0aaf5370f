import { Group, Text, Title } from "@mantine/core";
import { type ReactNode, useId } from "react";

/** A part of a page under a heading of its own. */
export function Section(props: { title: string; hint?: ReactNode; aside?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="section">
      <Group justify="space-between" gap="sm" mb={props.hint === undefined ? "sm" : 2}>
        <Title order={2} size="h5" id={id}>
          {props.title}
        </Title>
        {props.aside}
      </Group>
      {props.hint !== undefined && (
        <Text c="dimmed" size="sm" mb="sm" component="div">
          {props.hint}
        </Text>
      )}
      {props.children}
    </section>
  );
}

/** Names and values, side by side where there is room. */
export function Facts({ of }: { of: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A state in a word, with a sign that is not only a color. */
export function StateWord({
  state,
  children,
}: {
  state: "good" | "bad" | "wait" | "plain";
  children: ReactNode;
}) {
  return <span className={`state-word state-${state}`}>{children}</span>;
}

/** A short word about a thing, such as a label. */
export function Tag({ children }: { children: ReactNode }) {
  return <span className="tag">{children}</span>;
}

/** Short words in a row, or quietly what it says when there are none. */
export function Tags({ of, none = "none" }: { of: readonly string[]; none?: string }) {
  if (of.length === 0) return <span className="quiet">{none}</span>;
  return (
    <span className="tags">
      {of.map((one) => (
        <Tag key={one}>{one}</Tag>
      ))}
    </span>
  );
}
