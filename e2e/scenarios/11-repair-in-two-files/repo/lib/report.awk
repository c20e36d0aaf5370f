# Adds up the times of a log by the text in `column`. Needs duration.awk.

/^[ \t]*(#|$)/ { next }

{
  spent = hours_of($3)
  if (spent < 0) {
    printf "tally: %s:%d: no time: %s\n", FILENAME, FNR, $3 > "/dev/stderr"
    failed = 1
    next
  }
  total[$column] += spent
  all += spent
}

END {
  for (name in total) printf "%-10s %s\n", name, shown(total[name]) | "sort"
  close("sort")
  printf "%-10s %s\n", "all", shown(all)
  exit failed
}
