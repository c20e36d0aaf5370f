import { NativeSelect, TextInput } from "@mantine/core";
import { TokenScope } from "@windshift/contract/api/token.ts";
import { API_TOKEN_DAYS_MAX } from "@windshift/contract/limits.ts";

const SCOPES: Record<TokenScope, { label: string; hint: string }> = {
  read: { label: "Read", hint: "Look at what I see." },
  write: { label: "Write", hint: "Also change items, start runs." },
  admin: { label: "Admin", hint: "Also change settings, as I may." },
};

/** What a token may do; the widest that is chosen includes the others. */
export function ScopeField(props: {
  value: TokenScope;
  onChange(scope: TokenScope): void;
  error: string | undefined;
}) {
  return (
    <NativeSelect
      label="It may"
      description={SCOPES[props.value].hint}
      value={props.value}
      onChange={(event) => props.onChange(TokenScope.parse(event.currentTarget.value))}
      data={TokenScope.options.map((value) => ({ value, label: SCOPES[value].label }))}
      error={props.error}
    />
  );
}

/** How long a token works, for whoever makes one or approves the sign-in of `ws`. */
export function DaysField(props: { value: string; onChange(days: string): void; error: string | undefined }) {
  return (
    <TextInput
      label="Works for, days"
      description={`At most ${API_TOKEN_DAYS_MAX}.`}
      inputMode="numeric"
      required
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
      error={props.error}
    />
  );
}
