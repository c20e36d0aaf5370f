import { ActionIcon } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { Page } from "@windshift/contract/api/page.ts";
import { useState } from "react";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { ancestorsOf, type PageNode, treeOf } from "./page-tree.ts";

/** The pages of a workspace as a tree that unfolds; the way to the open one is unfolded. */
export function PageMenu({ pages, open }: { pages: readonly Page[]; open: number | undefined }) {
  const way = open === undefined ? [] : ancestorsOf(pages, open);
  const [folded, setFolded] = useState<ReadonlyMap<number, boolean>>(new Map());
  const isOpen = (id: number) => folded.get(id) ?? way.includes(id);
  const flip = (id: number) => setFolded(new Map(folded).set(id, !isOpen(id)));
  return (
    <nav aria-label="Pages" className="page-menu">
      <PageNodes nodes={treeOf(pages)} open={open} isOpen={isOpen} onFlip={flip} />
    </nav>
  );
}

function PageNodes(props: {
  nodes: readonly PageNode[];
  open: number | undefined;
  isOpen(id: number): boolean;
  onFlip(id: number): void;
}) {
  const { nodes, open, isOpen, onFlip } = props;
  return (
    <ul>
      {nodes.map(({ page, children }) => {
        const unfolded = isOpen(page.id);
        return (
          <li key={page.id}>
            <div className={page.id === open ? "page-node page-here" : "page-node"}>
              {children.length > 0 ? (
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  size="sm"
                  onClick={() => onFlip(page.id)}
                  aria-expanded={unfolded}
                  aria-label={`Pages under ${page.title}`}
                >
                  {unfolded ? (
                    <IconChevronDown size={14} aria-hidden />
                  ) : (
                    <IconChevronRight size={14} aria-hidden />
                  )}
                </ActionIcon>
              ) : (
                <span className="page-leaf" />
              )}
              <Link
                to={paths.page(page.workspace, page.id)}
                {...(page.id === open ? { "aria-current": "page" as const } : {})}
              >
                {visibleText(page.title)}
              </Link>
            </div>
            {unfolded && children.length > 0 && <PageNodes {...props} nodes={children} />}
          </li>
        );
      })}
    </ul>
  );
}
