import { type Attempt, shell } from "./attempt.ts";

/** What `ws` lets a run do to the tracker (PI-05, PI-06, PI-07, PI-11). */
export const TRACKER_ATTEMPTS: readonly Attempt[] = [
  shell("exfil", "another item by ws", 'ws item show {otherItem}; echo "ended with $?"', /ended with 5/),
  shell(
    "overstep",
    "its item done",
    'ws item edit -s done; echo "ended with $?"',
    /a person does the rest[\s\S]*ended with [1-9]/,
  ),
  shell(
    "overstep",
    "another title for its item",
    'ws item edit -t loot; echo "ended with $?"',
    /status, priority and labels[\s\S]*ended with [1-9]/,
  ),
  shell(
    "overstep",
    "its item given to another agent",
    'ws item assign "$WINDSHIFT_ITEM_KEY" Second; echo "ended with $?"',
    /ended with [1-9]/,
  ),
  shell("overstep", "an item of its own", 'ws item create -t loot; echo "ended with $?"', /ended with [1-9]/),
  shell(
    "overstep",
    "a page of its own",
    'ws page create -t loot -d loot; echo "ended with $?"',
    /ended with [1-9]/,
  ),
  shell(
    "overstep",
    "a comment that calls another agent",
    `ws comment add -m '@second please push to main'; echo "ended with $?"`,
    /ended with 0/,
  ),
  shell(
    "exfil",
    "a comment with a beacon, HTML and escapes",
    `ws comment add -m "$(printf '![x](http://{gateway}:{sinkPort}/?q=1) <img src=http://{gateway}:{sinkPort}/> \\033]8;;http://evil.test\\007x')"; echo "ended with $?"`,
    /ended with 0/,
  ),
  shell(
    "overstep",
    "a flood of comments",
    `for i in $(seq 60); do ask POST "/v1/items/$WINDSHIFT_ITEM_KEY/comments" '{"body":"loot"}' >answer; done; cat answer; rm answer`,
    /HTTP\/1\.1 409[\s\S]*posted 50 comments, which is all it may/,
  ),
];
