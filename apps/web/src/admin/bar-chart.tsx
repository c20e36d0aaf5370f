import { useId } from "react";

/** One bar: what it stands for, and how high. */
export interface Bar {
  /** Below the bar, short; empty for none. */
  tick: string;
  /** In the table and the title. */
  name: string;
  value: number;
}

/** Size of the drawing in its own units; it is scaled to the width there is. */
const WIDTH = 640;
const HEIGHT = 140;
const FLOOR = 118;
const GAP = 2;

/**
 * Bars over time, drawn for the eye, with the same figures as a table for everybody else.
 * @param props.text how a value is said
 */
export function BarChart(props: { title: string; bars: readonly Bar[]; text(value: number): string }) {
  const { title, bars, text } = props;
  const id = useId();
  const highest = Math.max(0, ...bars.map(({ value }) => value));
  const most = Math.max(1, highest);
  const step = WIDTH / Math.max(1, bars.length);
  return (
    <figure className="chart">
      <figcaption id={id}>
        {title} <span className="quiet">highest: {text(highest)}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" className="chart-bars">
        <line x1={0} x2={WIDTH} y1={FLOOR + 0.5} y2={FLOOR + 0.5} className="chart-floor" />
        {bars.map(({ name, tick, value }, at) => {
          const height = value === 0 ? 0 : Math.max(2, (value / most) * (FLOOR - 6));
          return (
            <g key={name}>
              <rect
                x={at * step + GAP / 2}
                y={FLOOR - height}
                width={Math.max(1, step - GAP)}
                height={height}
                rx={1.5}
                className="chart-bar"
              >
                <title>{`${name}: ${text(value)}`}</title>
              </rect>
              {tick !== "" && (
                <text x={at * step + step / 2} y={HEIGHT - 6} textAnchor="middle" className="chart-tick">
                  {tick}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <details className="fold">
        <summary>As a table</summary>
        <table aria-labelledby={id} className="figures">
          <tbody>
            {bars.map(({ name, value }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{text(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
