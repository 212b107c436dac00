/* Conv1D, KERNELS.md (27): the window of taps is one row of columns. */
#include "history.h"
#include "matvec.h"

#if GL_HAS(CONV1D)

/* Rows 0, dilation, 2 dilation ... one behind the other in scratch. */
static const int16_t *gather(const gl_layer *layer, const uint8_t *history, uint32_t row_bytes, uint32_t dilation) {
  const uint32_t taps = GL_U16(layer, TAPS);
  uint8_t *window = (uint8_t *)GL_ARENA(layer, SCRATCH);
  uint8_t *out = window;
  for (uint32_t tap = 0; tap < taps; tap++, out += row_bytes, history += dilation * row_bytes) {
    for (uint32_t at = 0; at != row_bytes; at += 4u) gl_set_u32(out + at, gl_u32(history + at));
  }
  gl_zero_tail((int16_t *)(void *)window, taps * row_bytes / 2u);
  return (const int16_t *)(const void *)window;
}

/* Takes a row or drains one, by the rules of KERNELS.md 5; whether a row came out. */
GL_NOINLINE int take_or_drain(const gl_layer *layer) {
  const uint32_t channels = gl_pad2(GL_U16(layer, INPUT_SIZE)), taps = GL_U16(layer, TAPS);
  const uint32_t dilation = GL_U16(layer, DILATION), depth = (taps - 1u) * dilation + 1u;
  uint8_t *history = (uint8_t *)GL_ARENA(layer, STATE);
  int due;
  do {
    gl_history_push(history, 2u * depth * channels, 2u * channels, layer->input);
    if (layer->input == NULL) memset(history + 2u * (depth - 1u) * channels, 0, 2u * channels);
    due = gl_window_due(layer);
  } while (due == 0 && layer->input == NULL);
  if (due != 0) {
    const int16_t *window = (const int16_t *)(const void *)history;
    if (dilation > 1u) window = gather(layer, history, 2u * channels, dilation);
    gl_matvec_over(layer, window, taps * channels);
  }
  return due;
}

int gl_conv1d(const gl_layer *layer) {
#if GATELET_CORTEX_M4
  if (layer->input != NULL && GL_U16(layer, DILATION) == 1u) {
    gl_alone alone;
    if (gl_m4_conv1d(layer, &alone) == 0u) return 0;
    gl_matvec_finish(layer, GL_ARENA(layer, OUTPUT));
    return 1;
  }
#endif
  if (take_or_drain(layer) == 0) return 0;
  gl_matvec_finish(layer, GL_ARENA(layer, OUTPUT));
  return 1;
}
#endif
