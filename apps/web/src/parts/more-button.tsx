import type { ReactNode } from "react";
import { Button } from "./button.tsx";

/** The part of an infinite query's state that goes on. */
interface MoreList {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  isFetchNextPageError: boolean;
  /** What is shown are still the lines of the question before. */
  isPlaceholderData?: boolean;
  error: Error | null;
  fetchNextPage(): unknown;
}

/** Stands below a list that goes on: reads the next part, and says beside it why that failed. Nothing at the end of the list. */
export function MoreButton({ list, children }: { list: MoreList; children: ReactNode }) {
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, isPlaceholderData = false, error } = list;
  if (!hasNextPage) return null;
  return (
    <div className="in-row more">
      <Button
        variant="default"
        size="compact-sm"
        loading={isFetchingNextPage || isPlaceholderData}
        onClick={() => void list.fetchNextPage()}
      >
        {children}
      </Button>
      {isFetchNextPageError && (
        <p role="alert" className="problem">
          {error?.message}
        </p>
      )}
    </div>
  );
}
