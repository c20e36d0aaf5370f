import { Stepper, Text } from "@mantine/core";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { useState } from "react";
import { ApiError, sendApi } from "../api/api.ts";
import { meQuery } from "../api/me.ts";
import { queryClient } from "../api/query-client.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useDraft } from "../parts/draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { paths } from "../paths.ts";
import { Door } from "./door.tsx";
import { PersonFields } from "./person-fields.tsx";
import { setupQuery, signIn } from "./welcome-queries.ts";
import { WorkspaceFields } from "./workspace-fields.tsx";

/**
 * From an empty server to the first workspace: first the administrator, then the workspace, then the guide. Where one is
 * follows from what the server has, so a reload goes on where it was.
 */
export function SetUpPage() {
  const { data: setup } = useSuspenseQuery(setupQuery);
  const { data: me, error, isPending } = useQuery({ ...meQuery, enabled: setup.set_up });
  if (!setup.set_up) return <AdministratorStep />;
  if (error instanceof ApiError && error.status === 401)
    return <Navigate to="/login" search={{ next: "/setup" }} replace />;
  if (error !== null) throw error;
  if (isPending) return null;
  if (me?.admin && me.workspaces.length === 0) return <WorkspaceStep />;
  return <Navigate to={paths.myWork} replace />;
}

function Steps({ active }: { active: number }) {
  return (
    <Stepper active={active} size="xs" iconSize={24} aria-label="Set up" className="set-up-steps">
      <Stepper.Step label="Administrator" />
      <Stepper.Step label="Workspace" />
      <Stepper.Step label="Agent" />
    </Stepper>
  );
}

function AdministratorStep() {
  const [typed, setTyped, forget] = useDraft("set-up:person", { name: "", email: "" });
  const [password, setPassword] = useState("");
  const form = useApiForm(["name", "email", "password"]);
  const send = async () => {
    await sendApi("POST", "/api/v1/setup", { ...typed, password });
    await signIn({ email: typed.email, password });
    forget();
    await queryClient.invalidateQueries();
  };
  return (
    <Door title="Set up Windshift">
      <Steps active={0} />
      <Text c="dimmed">
        Make the first administrator of this installation. You can add people and workspaces afterwards.
      </Text>
      <FormFrame form={form} verb="Create administrator" onSend={send}>
        <PersonFields
          form={form}
          person={{ ...typed, password }}
          change={({ password: secret, ...rest }) => {
            if (secret !== undefined) setPassword(secret);
            else setTyped({ ...typed, ...rest });
          }}
        />
      </FormFrame>
    </Door>
  );
}

function WorkspaceStep() {
  const [typed, setTyped, forget] = useDraft("set-up:workspace", { name: "", key: "" });
  const form = useApiForm(["name", "key"]);
  const send = async () => {
    await sendApi("POST", "/api/v1/workspaces", typed);
    forget();
    location.assign(paths.guide(typed.key));
  };
  return (
    <Door title="Make a workspace">
      <Steps active={1} />
      <Text c="dimmed">
        A workspace holds the work of one team or project: its items, its people, its agents and what they are
        connected to.
      </Text>
      <FormFrame form={form} verb="Create workspace" onSend={send}>
        <WorkspaceFields
          typed={typed}
          change={(part) => setTyped({ ...typed, ...part })}
          nameError={form.fieldError("name")}
          keyError={form.fieldError("key")}
        />
      </FormFrame>
    </Door>
  );
}
