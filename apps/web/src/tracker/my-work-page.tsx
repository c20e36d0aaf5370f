import { PageHead } from "../parts/page-head.tsx";

export function MyWorkPage() {
  return <PageHead title="My work" />;
}
