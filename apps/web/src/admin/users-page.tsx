import { Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { MadeAdminUser, type PasswordLink, USER_SEARCH_CHARS_MAX } from "@windshift/contract/api/user.ts";
import { NAME_CHARS_MAX } from "@windshift/contract/limits.ts";
import { type ReactNode, useState } from "react";
import { callApi } from "../api/api.ts";
import { queryClient } from "../api/query-client.ts";
import { useApiForm } from "../parts/api-form.ts";
import { CopyLine } from "../parts/copy-line.tsx";
import { useDraft } from "../parts/draft.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { FormFrame } from "../parts/form-frame.tsx";
import { MoreButton } from "../parts/more-button.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { Section } from "../settings/settings-section.tsx";
import { PagePending } from "../shell/page-pending.tsx";
import { usersQuery } from "./admin-queries.ts";
import { UserRow } from "./user-row.tsx";

/** How long typing has to pause before it is searched for, ms. */
const SEARCH_MS = 250;

/** A link with which somebody chooses a password, shown where it was asked for until the page is left. */
export interface LinkFor {
  /** Of the person; somebody new has theirs below the form. */
  user?: string;
  name: string;
  link: PasswordLink;
}

/** The people of the installation. */
export function UsersPage() {
  const [typed, setTyped] = useState("");
  const [search] = useDebouncedValue(typed.trim(), SEARCH_MS);
  const [made, setMade] = useState<LinkFor>();
  const users = useInfiniteQuery({ ...usersQuery(search), placeholderData: (before) => before });
  if (users.error !== null && users.data === undefined) throw users.error;
  const rows = users.data?.pages.flatMap((page) => page.users);
  return (
    <>
      <PageHead title="Users" />
      <TextInput
        label="Search by name or e-mail"
        type="search"
        mb="sm"
        maxLength={USER_SEARCH_CHARS_MAX}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      {rows === undefined && <PagePending />}
      {rows?.length === 0 && <EmptyState title="Nobody found">No name or address holds that.</EmptyState>}
      <ul className="rows" aria-label="Users">
        {rows?.map((user) => (
          <UserRow key={user.id} user={user} onLink={setMade}>
            {made?.user === user.id && <LinkOnce {...made} />}
          </UserRow>
        ))}
      </ul>
      <MoreButton list={users}>Show more</MoreButton>
      <NewUser onLink={setMade}>
        {made !== undefined && made.user === undefined && <LinkOnce {...made} />}
      </NewUser>
    </>
  );
}

function LinkOnce({ name, link }: LinkFor) {
  return (
    <div className="once" role="status">
      <Text size="sm">
        Hand this link to {name}: with it they choose a password. It works once, until{" "}
        <TimeText at={link.expires_at} />, and is shown this once.
      </Text>
      <CopyLine text={link.url} label="the link" />
    </div>
  );
}

function NewUser({ onLink, children }: { onLink(made: LinkFor): void; children: ReactNode }) {
  const [typed, setTyped, forget] = useDraft("admin:user", { name: "", email: "" });
  const form = useApiForm(["name", "email"]);
  const send = async () => {
    const { user, password_link } = await callApi("POST", "/api/v1/admin/users", MadeAdminUser, typed);
    if (password_link !== null) onLink({ name: user.name, link: password_link });
    forget();
    await queryClient.invalidateQueries({ queryKey: ["admin", "users"] });
  };
  return (
    <Section
      title="New user"
      hint="They choose their password with a link that you hand over. Workspaces let them in by their own settings."
    >
      <FormFrame form={form} verb="Create user" label="New user" onSend={send}>
        <div className="field-row">
          <TextInput
            label="Name"
            required
            maxLength={NAME_CHARS_MAX}
            value={typed.name}
            onChange={(event) => setTyped({ ...typed, name: event.currentTarget.value })}
            error={form.fieldError("name")}
          />
          <TextInput
            label="E-mail"
            type="email"
            required
            maxLength={254}
            value={typed.email}
            onChange={(event) => setTyped({ ...typed, email: event.currentTarget.value })}
            error={form.fieldError("email")}
          />
        </div>
      </FormFrame>
      {children}
    </Section>
  );
}
