import { describe, expect, it } from "vitest";
import { renderAddressMap, renderGauge } from "./address-map.js";
import { compact, counted, duration, grouped, percent, points, scaleText } from "./numbers.js";
import { sparkline } from "./sparkline.js";
import { PLAIN } from "./style.js";
import { renderSvg } from "./svg-plot.js";
import { renderTable, tableWidth } from "./table.js";

describe("numbers", () => {
  it("read well", () => {
    expect([grouped(1234567), compact(124000), compact(999960), compact(12)]).toEqual([
      "1,234,567",
      "124k",
      "1M",
      "12",
    ]);
    expect([percent(0.93136), percent(Number.NaN), points(-0.0012), points(-0.0000001), points(0.01)]).toEqual([
      "93.14 %",
      "-",
      "-0.12 points",
      "0.00 points",
      "+1.00 points",
    ]);
    expect([scaleText(2 ** -15), scaleText(0.000030518), scaleText(0.00022042), scaleText(undefined)]).toEqual([
      "2^-15",
      "2^-15",
      "0.00022",
      "-",
    ]);
    expect([duration(2.4), duration(0.00125), duration(3.1e-6), duration(8.12e-7)]).toEqual([
      "2.4 s",
      "1.25 ms",
      "3.1 us",
      "812 ns",
    ]);
    expect([counted(1, "window"), counted(2, "window")]).toEqual(["1 window", "2 windows"]);
  });
});

describe("renderTable", () => {
  const columns = [
    { head: "name", cutTo: 5 },
    { head: "bytes", align: "right" as const },
  ];
  it("aligns columns and cuts only what may be cut", () => {
    const rows = [
      ["a", "1"],
      ["a very long name", "1,000"],
    ];
    expect(renderTable(columns, rows, 80, PLAIN)).toBe(
      "name              bytes\na                     1\na very long name  1,000",
    );
    expect(renderTable(columns, rows, 14, PLAIN)).toBe("name     bytes\na            1\na very…  1,000");
    expect(renderTable(columns, rows, 3, PLAIN).split("\n")[2]).toBe("a ve…  1,000");
    expect(tableWidth(columns, rows)).toBe(23);
  });
});

describe("renderAddressMap", () => {
  it("puts bars where the blocks lie and never hides one", () => {
    const blocks = [
      { label: "a", offset: 0, bytes: 512 },
      { label: "b", offset: 512, bytes: 1 },
      { label: "c", offset: 512, bytes: 512, shared: true },
    ];
    const [a, b, c] = renderAddressMap(blocks, 1024, 41, PLAIN).split("\n");
    expect(a!.indexOf("█")).toBe(23);
    expect(a!.length).toBe(32);
    expect(b!.indexOf("▏")).toBe(32);
    expect(b!.length).toBe(33);
    expect(c!.length).toBeLessThanOrEqual(41);
    expect(c!.indexOf("█")).toBe(b!.indexOf("▏"));
  });
  it("shows what is over budget as full", () => {
    expect(renderGauge(5, 10, 8, PLAIN)).toBe("████░░░░");
    expect(renderGauge(30, 10, 8, PLAIN)).toBe("████████");
    expect(renderGauge(1, 1e9, 8, PLAIN)).toBe("█░░░░░░░");
  });
});

describe("sparkline", () => {
  it("shows the largest value of each part", () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 8], 8)).toBe("▁▂▃▄▅▆▇█");
    expect(sparkline([0, 8, 0, 0], 2)).toBe("█▁");
    expect(sparkline([], 10)).toBe("");
    expect(sparkline([0, 0], 2)).toBe("▁▁");
  });
});

describe("renderSvg", () => {
  it("draws every curve inside the picture and escapes text", () => {
    const y = [0, 0.001, 0.5, 0.02];
    const panel = {
      title: "a < b & c",
      xLabel: "frame",
      yLabel: "error",
      xStep: 10,
      curves: [{ label: "worst", y, color: "#000" }],
    };
    const svg = renderSvg("title", [panel, panel]);
    expect(svg).toContain("a &lt; b &amp; c");
    expect(svg).not.toContain("NaN");
    const path = /<path d="M([^"]+)"/.exec(svg)![1]!;
    for (const point of path.split(/[ML]/)) {
      const [x, at] = point.split(",").map(Number);
      expect(x).toBeGreaterThan(70);
      expect(x).toBeLessThan(860);
      expect(at).toBeGreaterThan(30);
      expect(at).toBeLessThanOrEqual(230);
    }
  });
  it("draws zeros and nothing at all without failing", () => {
    const panel = { title: "", xLabel: "", yLabel: "", xStep: 1, curves: [{ label: "", y: [0, 0], color: "#000" }] };
    expect(renderSvg("", [panel, { ...panel, curves: [] }])).not.toContain("NaN");
  });
});
