import { Button, Title, VisuallyHidden } from "@mantine/core";
import { IconCircle, IconCircleCheck, IconCircleDot } from "@tabler/icons-react";
import { type ReactNode, useId, useState } from "react";

/** One step: done, the one to take now, or one that comes later. A done one is folded, and can be opened again. */
export function GuideStep(props: {
  number: number;
  title: string;
  done: boolean;
  current: boolean;
  /** What came of it. */
  summary: string;
  /** Open also when it is done. */
  keepOpen?: boolean;
  children: ReactNode;
}) {
  const { number, title, done, current, summary, keepOpen, children } = props;
  const [opened, setOpened] = useState(false);
  const id = useId();
  const Icon = done ? IconCircleCheck : current ? IconCircleDot : IconCircle;
  const open = current || opened || (done && keepOpen === true);
  return (
    <li aria-current={current ? "step" : undefined} aria-labelledby={id} className="guide-step">
      <div className="row-line">
        <Icon size={20} className={done ? "step-done" : "step-open"} aria-hidden />
        <Title order={2} size="h5" id={id}>
          {number}. {title}
          <VisuallyHidden>{done ? ", done" : current ? ", now" : ", later"}</VisuallyHidden>
        </Title>
        {done && <span className="quiet">{summary}</span>}
        {!current && !(done && keepOpen) && (
          <span className="row-end">
            <Button size="xs" variant="subtle" aria-expanded={open} onClick={() => setOpened(!opened)}>
              {open ? "Fold" : done ? "Change" : "Look ahead"}
              <VisuallyHidden>: {title}</VisuallyHidden>
            </Button>
          </span>
        )}
      </div>
      {open && <div className="guide-body">{children}</div>}
    </li>
  );
}
