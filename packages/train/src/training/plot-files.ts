import { join } from "node:path";
import { writeWhole } from "./write-whole.js";

/** The part of `@resvg/resvg-js` that is used. */
interface Renderer {
  readonly Resvg: new (svg: string, options: object) => { render(): { asPng(): Uint8Array } };
}

/** How an optional package is found; replaced in tests. */
export type LoadRenderer = () => Promise<unknown>;

const RENDERER = "@resvg/resvg-js";
const load: LoadRenderer = () => import(RENDERER);

/**
 * Writes a plot as `<name>.svg`, and as `<name>.png` (twice the size in pixels) where `@resvg/resvg-js` is installed.
 * @returns the files' names
 */
export async function writePlot(folder: string, name: string, svg: string, renderer = load): Promise<string[]> {
  await writeWhole(join(folder, `${name}.svg`), svg);
  // Not installed, or no binary for this machine: no reason to lose a training.
  const found = (await renderer().catch(() => undefined)) as Renderer | undefined;
  if (found === undefined) return [`${name}.svg`];
  const picture = new found.Resvg(svg, { fitTo: { mode: "zoom", value: 2 }, font: { loadSystemFonts: true } });
  await writeWhole(join(folder, `${name}.png`), picture.render().asPng());
  return [`${name}.svg`, `${name}.png`];
}
