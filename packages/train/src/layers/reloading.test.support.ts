import * as tf from "@tensorflow/tfjs";

/** The largest difference between a network's answers to `x` and those of what it saved, loaded again. */
export async function reloadingError(model: tf.LayersModel, x: tf.Tensor): Promise<number> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (saved) => {
      artifacts = saved;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    }),
  );
  const again = await tf.loadLayersModel(tf.io.fromMemory(artifacts as tf.io.ModelArtifacts));
  const difference = (again.predict(x) as tf.Tensor).sub(model.predict(x) as tf.Tensor);
  return difference.abs().max().dataSync()[0];
}
