import { useQueryClient } from "@tanstack/react-query";
import { type Page, PageDetail } from "@windshift/contract/api/page.ts";
import { callApi } from "../api/api.ts";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { sayFailed } from "../shell/notices.tsx";
import { pageQuery } from "./page-queries.ts";
import { ancestorsOf } from "./page-tree.ts";
import { PickList } from "./pick-list.tsx";
import { PlainLink } from "./plain-link.tsx";

const TOP = "top";

/** Under which page a page lies, and how to put it under another. */
export function PageParent(props: { page: PageDetail; pages: readonly Page[]; mayChange: boolean }) {
  const { page, pages, mayChange } = props;
  const client = useQueryClient();
  const parent = pages.find(({ id }) => id === page.parent_id);
  const move = (value: string) => {
    const body = { parent_id: value === TOP ? null : Number(value) };
    callApi("PATCH", `/api/v1/pages/${page.id}`, PageDetail, body).then((moved) => {
      client.setQueryData(pageQuery(page.id).queryKey, moved);
      return client.invalidateQueries({ queryKey: ["pages", page.workspace] });
    }, sayFailed);
  };
  const options = [
    { value: TOP, text: "At the top" },
    ...pages
      .filter(({ id }) => id !== page.id && !ancestorsOf(pages, id).includes(page.id))
      .map(({ id, title }) => ({ value: String(id), text: title })),
  ];
  return (
    <span className="page-parent">
      {parent !== undefined && (
        <>
          · under{" "}
          <PlainLink to={paths.page(page.workspace, parent.id)}>{visibleText(parent.title)}</PlainLink>
        </>
      )}
      {mayChange && (
        <PickList
          label="Move this page under another"
          options={options}
          selected={[page.parent_id === null ? TOP : String(page.parent_id)]}
          onPick={move}
        >
          Move
        </PickList>
      )}
    </span>
  );
}
