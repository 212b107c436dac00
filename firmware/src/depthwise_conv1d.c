/* Depthwise Conv1D, KERNELS.md (28): one channel of history per output, row-major int8 weights. */

#include "history.h"

#if GL_HAS(DEPTHWISE_CONV1D)

static void convolve(const gl_layer *layer, const int16_t *history, uint32_t row) {
  const uint32_t values = GL_U16(layer, OUTPUT_SIZE), taps = GL_U16(layer, TAPS);
  const uint32_t per_channel = GL_U16(layer, DEPTH_MULTIPLIER), step = GL_U16(layer, DILATION) * row;
  const uint32_t weight_row = gl_pad16(values);
  const uint8_t *weights = GL_TENSOR(layer, WEIGHTS);
  const uint8_t *params = GL_TENSOR(layer, ROW_PARAMS);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  uint32_t of_channel = 0;
  for (uint32_t o = 0; o < values; o++) {
    uint32_t sum = 0;
    const uint8_t *weight = weights + o;
    const int16_t *x = history;
    for (uint32_t tap = 0; tap < taps; tap++, weight += weight_row, x += step) sum += (uint32_t)((int8_t)*weight * *x);
    const uint8_t *param = params + GATELET_ROW_PARAM_BYTES * (o >> 2) + 4u * (o & 3u);
    const int32_t q = gl_mulh((int32_t)(sum + gl_u32(param)), gl_s32(param + 16));
    out[o] = (int16_t)gl_sat16(q);
    if (++of_channel == per_channel) {
      of_channel = 0;
      history++;
    }
  }
  gl_activate(layer, 0, out, values);
}

int gl_depthwise_conv1d(const gl_layer *layer) {
  const uint32_t row = gl_pad8(GL_U16(layer, INPUT_SIZE));
  const uint32_t kept = (GL_U16(layer, TAPS) - 1u) * GL_U16(layer, DILATION) * 2u * row;
  if (!gl_window_push(layer, kept, 2u * row, row)) return 0;
  convolve(layer, GL_ARENA(layer, STATE), row);
  return gl_emit_row(layer);
}
#endif
