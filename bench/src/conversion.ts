import { convert, openModel } from "../../packages/converter/dist/index.js";
import { sharedModel } from "../../test/support/shared-models.js";
import { conversionOptions } from "./converted.js";
import { type Figure, median } from "./figures.js";

const CALIBRATION_WINDOWS = 500;
const REPETITIONS = 3;

/** Wall-clock time of importing and converting hapt-lstm with 500 calibration windows. */
export async function conversionFigures(): Promise<Figure[]> {
  const model = sharedModel("hapt-lstm");
  const options = conversionOptions(model, CALIBRATION_WINDOWS);
  const seconds: number[] = [];
  for (let i = 0; i < REPETITIONS; i++) {
    const start = performance.now();
    await convert(await openModel(model.folder), options);
    seconds.push((performance.now() - start) / 1000);
  }
  return [
    {
      id: "convert.hapt-lstm",
      text: `convert hapt-lstm, ${CALIBRATION_WINDOWS} calibration windows`,
      value: median(seconds),
      unit: "s",
      kind: "measured",
      goal: { atMost: 6 },
      spread: [Math.min(...seconds), Math.max(...seconds)],
    },
  ];
}
