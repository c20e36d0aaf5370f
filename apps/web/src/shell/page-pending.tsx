import { Center, Loader } from "@mantine/core";

/** In the place of a page while its code and data are on the way. */
export function PagePending() {
  return (
    <Center mih={200} role="status" aria-label="Loading">
      <Loader size="sm" />
    </Center>
  );
}
