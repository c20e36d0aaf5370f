import { TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { poolsQuery } from "../admin/admin-queries.ts";
import { useMe } from "../api/me.ts";

/** The pool whose runners take the runs. Who may see the pools is offered them. */
export function PoolField(props: { value: string; onChange(pool: string): void; error: string | undefined }) {
  const { value, onChange, error } = props;
  const { admin } = useMe();
  const { data } = useQuery({ ...poolsQuery, enabled: admin });
  const list = useId();
  return (
    <>
      <TextInput
        label="Pool"
        description="Whose runners take its runs; local is the server itself."
        required
        spellCheck={false}
        list={list}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        error={error}
      />
      <datalist id={list}>
        {data?.pools.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}
