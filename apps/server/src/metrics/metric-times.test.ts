import { expect, test } from "bun:test";
import { MetricTimes } from "./metric-times.ts";
import { MetricValues } from "./metric-values.ts";

test("counts times in every bucket that they fit into, and their sum, by labels", () => {
  const times = new MetricTimes("a_seconds", "Time", [0.1, 1]);
  const get = () => ({ method: "GET", status: "2xx" });
  const never = () => {
    throw new Error("labels are asked for once");
  };
  times.count("GET 2", get, 0.1);
  times.count("GET 2", never, 0.5);
  times.count("GET 2", never, 30);
  times.count("", () => ({}), 0);
  expect(times.lines()).toEqual([
    "# HELP a_seconds Time",
    "# TYPE a_seconds histogram",
    'a_seconds_bucket{le="0.1",method="GET",status="2xx"} 1',
    'a_seconds_bucket{le="1",method="GET",status="2xx"} 2',
    'a_seconds_bucket{le="+Inf",method="GET",status="2xx"} 3',
    'a_seconds_sum{method="GET",status="2xx"} 30.6',
    'a_seconds_count{method="GET",status="2xx"} 3',
    'a_seconds_bucket{le="0.1"} 1',
    'a_seconds_bucket{le="1"} 1',
    'a_seconds_bucket{le="+Inf"} 1',
    "a_seconds_sum 0",
    "a_seconds_count 1",
  ]);
});

test("adds up and replaces values by labels, whatever stands in these", () => {
  const values = new MetricValues("counter", "a_total", "Things");
  values.add({ pool: 'a"b\\c\nd' }, 2);
  values.add({ pool: 'a"b\\c\nd' }, 3);
  values.set({}, 1.5);
  const title = ["# HELP a_total Things", "# TYPE a_total counter"];
  expect(values.lines()).toEqual([...title, 'a_total{pool="a\\"b\\\\c\\nd"} 5', "a_total 1.5"]);
  values.reset();
  expect(values.lines()).toEqual(title);
});
