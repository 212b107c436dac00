/* Max and average pooling over a window of rows, KERNELS.md (29), (30). */

#include "history.h"

#if GL_HAS(POOL)
int gl_pool(const gl_layer *layer) {
  const uint32_t n = GL_U16(layer, INPUT_SIZE), row = gl_pad8(n), taps = GL_U16(layer, TAPS);
  const int averages = GL_U8(layer, MODE) == GATELET_POOL_MODE_AVERAGE;
  if (!gl_window_push(layer, (taps - 1u) * 2u * row, 2u * row, n)) return 0;
  const int16_t *history = GL_ARENA(layer, STATE);
  const uint8_t *reciprocals = GL_TENSOR(layer, AUX);
  const uint32_t real = gl_u16(layer->counters + GATELET_COUNTER_REAL);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  for (uint32_t i = 0; i < n; i++) {
    const int16_t *x = history + i;
    int32_t value = averages ? 0 : -32768;
    for (uint32_t tap = taps; tap != 0u; tap--, x += row) value = averages ? gl_add(value, *x) : gl_max(*x, value);
    if (averages) value = gl_sat16(gl_mulh((int32_t)((uint32_t)value << 2), gl_s32(reciprocals + 4u * real)));
    out[i] = (int16_t)value;
  }
  return gl_emit_row(layer);
}
#endif
