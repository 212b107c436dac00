import { type ConvertedModel, convert, openModel } from "../../packages/converter/dist/index.js";
import { type SharedModel, sharedModel } from "../../test/support/shared-models.js";

export const CALIBRATION_WINDOWS = 500;
const kept = new Map<string, Promise<{ model: SharedModel; converted: ConvertedModel }>>();

/** A shared model, converted once a run with 500 calibration windows of network inputs. */
export function convertedModel(name: string, bits: 8 | 4): Promise<{ model: SharedModel; converted: ConvertedModel }> {
  const key = `${name}/${bits}`;
  let result = kept.get(key);
  if (result === undefined) {
    result = (async () => {
      const model = sharedModel(name);
      const calibration = model.calibrationWindows(CALIBRATION_WINDOWS);
      return { model, converted: await convert(await openModel(model.folder), { calibration, bits }) };
    })();
    kept.set(key, result);
  }
  return result;
}

export const STUDY_NETS = ["hapt-lstm", "hapt-gru", "hapt-rnn"] as const;
