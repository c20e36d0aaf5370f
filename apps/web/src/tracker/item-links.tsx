import { IconGitPullRequest, IconLink } from "@tabler/icons-react";
import type { ItemLink, WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { SafeLink } from "../parts/safe-link.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { PlainLink } from "./plain-link.tsx";

/** Pull requests and what else belongs to an item elsewhere. */
export function ItemLinks({ item }: { item: WorkItemDetail }) {
  return (
    <section aria-labelledby="links-title" className="side-section">
      <h2 id="links-title">Pull requests</h2>
      {item.links.length === 0 && <p className="quiet">None yet. An agent's run opens one.</p>}
      <ul className="side-list">
        {item.links.map((link) => (
          <li key={`${link.url} ${link.run_id}`}>
            {link.kind === "pull_request" ? (
              <IconGitPullRequest size={14} aria-hidden />
            ) : (
              <IconLink size={14} aria-hidden />
            )}
            <span>
              <LinkText link={link} />{" "}
              <small className="quiet">
                {link.run_id !== null && (
                  <>
                    from <PlainLink to={paths.run(item.key, link.run_id)}>run {link.run_id}</PlainLink>{" "}
                  </>
                )}
                <TimeText at={link.created_at} />
              </small>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Pages of the server itself stay on the address the reader came by, whatever the server calls itself. */
function LinkText({ link }: { link: ItemLink }) {
  const own = /\/pull-requests\/(\d{1,10})$/.exec(link.url)?.[1];
  const text = visibleText(link.title);
  if (link.kind === "pull_request" && own !== undefined)
    return <PlainLink to={paths.pullRequest(Number(own))}>{text}</PlainLink>;
  return <SafeLink href={/^https?:\/\//i.test(link.url) ? link.url : ""}>{text}</SafeLink>;
}
