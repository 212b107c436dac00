import type * as tfjs from "@tensorflow/tfjs";
import { FASTGRNN } from "./fastgrnn.js";
import { GRU } from "./gru.js";
import { MINIMAL_GRU } from "./minimal-gru.js";
import { type CellDefinition, recurrentLayer } from "./recurrent-layer.js";

const OWN: readonly CellDefinition[] = [GRU, MINIMAL_GRU, FASTGRNN];

/** Definition of a recurrent layer of our own; undefined for other classes. */
export const ownCell = (className: string): CellDefinition | undefined =>
  OWN.find((definition) => definition.className === className);

/** Makes the layers of our own known to this tfjs, so that models that have them load. */
export function registerOwnLayers(tf: typeof tfjs): void {
  for (const definition of OWN) recurrentLayer(tf, definition, { units: 1 });
}
