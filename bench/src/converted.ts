import { type ConvertedModel, type ConvertOptions, convert, openModel } from "../../packages/converter/dist/index.js";
import { haptRecording, type SharedModel, sharedModel } from "../../test/support/shared-models.js";

/** Of the training windows, evenly spread. */
export const CALIBRATION_WINDOWS = 500;
const DEPLOYED_CALIBRATION_WINDOWS = 1000;
const kept = new Map<string, Promise<Converted>>();

export interface Converted {
  readonly model: SharedModel;
  readonly converted: ConvertedModel;
  /** A test window as the device gets it: raw counts where the recording has them, else network inputs. */
  window(index: number): Int16Array | Float32Array;
}

export const hasRawCounts = (name: string): boolean => name.startsWith("hapt-");

/** Calibration and input options of a shared model: the path of a real device, from raw counts where there are some. */
export function conversionOptions(model: SharedModel, windows: number): ConvertOptions {
  if (!hasRawCounts(model.name)) return { calibration: model.calibrationWindows(windows) };
  return {
    calibration: model.rawCalibrationWindows(windows),
    calibrationUnit: "raw",
    inputTransform: { scale: haptRecording().scales, mean: model.meta.mean, std: model.meta.std },
  };
}

function once(key: string, make: () => Promise<Converted>): Promise<Converted> {
  let result = kept.get(key);
  if (result === undefined) {
    result = make();
    kept.set(key, result);
  }
  return result;
}

/** A shared model that takes network inputs, as the peers do; converted once a run. */
export function convertedModel(name: string, bits: 8 | 4): Promise<Converted> {
  return once(`${name}/${bits}`, async () => {
    const model = sharedModel(name);
    const options = { calibration: model.calibrationWindows(CALIBRATION_WINDOWS), bits };
    const converted = await convert(await openModel(model.folder), options);
    return { model, converted, window: (index) => model.testWindow(index) };
  });
}

/** A shared model as it would be deployed: it takes raw counts where the recording has them. Converted once a run. */
export function deployedModel(name: string, bits: 8 | 4): Promise<Converted> {
  return once(`${name}/${bits}/deployed`, async () => {
    const model = sharedModel(name);
    const options = { ...conversionOptions(model, DEPLOYED_CALIBRATION_WINDOWS), bits };
    const converted = await convert(await openModel(model.folder), options);
    const window = (index: number) => (hasRawCounts(name) ? model.rawTestWindow(index) : model.testWindow(index));
    return { model, converted, window };
  });
}

export const STUDY_NETS = ["hapt-lstm", "hapt-gru", "hapt-rnn"] as const;
