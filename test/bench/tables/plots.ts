/** One picture for each bench, as SVG. */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Figure } from "../measure.ts";
import { isRate } from "./cases.ts";

/** These differ by orders of magnitude; they are points, since a bar from nowhere to a logarithm would mean nothing. */
const isLogarithmic = (unit: string): boolean => unit === "ms" || unit === "% of a core";

/** A panel for each case, a bar or point for each subject: the median, with a line from the lowest to the highest. */
export async function plot(title: string, figures: readonly Figure[]): Promise<string> {
  const unit = figures[0]?.unit ?? "";
  const [type, mark] = isLogarithmic(unit)
    ? (["log", { type: "point", filled: true, size: 70 }] as const)
    : (["linear", "bar"] as const);
  const values = figures.map((figure) => ({ ...figure, who: `${figure.subject}, ${figure.runtime}` }));
  const order = [...new Set(values.map(({ who }) => who))];
  const cases = [...new Set(values.map((value) => value.case))];
  const spec: TopLevelSpec = {
    title: { text: `${title}, ${unit}; ${isRate(unit) ? "more" : "less"} is better`, anchor: "start" },
    data: { values },
    background: "white",
    facet: { field: "case", type: "nominal", title: null, sort: cases },
    columns: 2,
    resolve: { scale: { x: "independent" } },
    spec: {
      width: 300,
      height: { step: 16 },
      encoding: { y: { field: "who", type: "nominal", sort: order, title: null } },
      layer: [
        {
          mark,
          encoding: {
            x: { field: "median", type: "quantitative", title: null, scale: { type } },
            color: {
              condition: { test: "datum.subject === 'ktables'", value: "#1f6feb" },
              value: "#9aa4af",
            },
          },
        },
        {
          mark: { type: "rule", color: "#24292f" },
          encoding: { x: { field: "min", type: "quantitative" }, x2: { field: "max" } },
        },
      ],
    },
  };
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}
