import { type ConvertedModel, type ConvertOptions, convert, openModel } from "../../packages/converter/dist/index.js";
import { haptRecording, type SharedModel, sharedModel } from "../../test/support/shared-models.js";

/** Of the training windows, evenly spread. */
const CALIBRATION_WINDOWS = 1000;
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

/** A shared model, converted once a run. */
export function convertedModel(name: string, bits: 8 | 4): Promise<Converted> {
  const key = `${name}/${bits}`;
  let result = kept.get(key);
  if (result === undefined) {
    result = (async () => {
      const model = sharedModel(name);
      const options = { ...conversionOptions(model, CALIBRATION_WINDOWS), bits };
      const window = (index: number) => (hasRawCounts(name) ? model.rawTestWindow(index) : model.testWindow(index));
      return { model, converted: await convert(await openModel(model.folder), options), window };
    })();
    kept.set(key, result);
  }
  return result;
}

export const STUDY_NETS = ["hapt-lstm", "hapt-gru", "hapt-rnn"] as const;
