/* Conv1D, KERNELS.md (27): the window of taps is one row of columns. */
#include "small.h"

#include "history.h"
#include "matvec.h"

#if GL_HAS(CONV1D)

/* Rows 0, dilation, 2 dilation ... one behind the other in scratch. */
static const int16_t *gather(const gl_layer *layer, uint32_t row_bytes) {
  const uint8_t *history = (const uint8_t *)GL_ARENA(layer, STATE);
  int16_t *window = GL_ARENA(layer, SCRATCH);
  uint32_t values = 0;
  for (uint32_t tap = GL_U16(layer, TAPS); tap != 0u; tap--, values += row_bytes / 2u) {
    gl_copy_words(window + values, history, row_bytes);
    history += GL_U16(layer, DILATION) * row_bytes;
  }
  gl_zero_tail(window, values);
  return window;
}

/* Takes a row or drains one, by the rules of KERNELS.md 5. */
GL_NOINLINE int take_or_drain(const gl_layer *layer) {
  const uint32_t channels = gl_pad2(GL_U16(layer, INPUT_SIZE)), row_bytes = 2u * channels;
  const uint32_t taps = GL_U16(layer, TAPS), dilation = GL_U16(layer, DILATION);
  if (!gl_window_push(layer, (taps - 1u) * dilation * row_bytes, row_bytes, channels)) return 0;
  gl_matvec_over(layer, dilation > 1u ? gather(layer, row_bytes) : GL_ARENA(layer, STATE), taps * channels);
  return gl_matvec_finish(layer);
}

#if GATELET_CORTEX_M4
/* Takes a row of those that lie one behind the other; whether one came out. */
GL_INLINE int take_in_line(const gl_layer *layer) {
  gl_alone alone;
  return gl_m4_conv1d(layer, &alone) != 0u;
}
#endif

int gl_conv1d(const gl_layer *layer) {
#if GATELET_CORTEX_M4
  if (layer->input != NULL && GL_U16(layer, DILATION) == 1u) {
    return take_in_line(layer) ? gl_matvec_finish(layer) : 0;
  }
#endif
  return take_or_drain(layer);
}
#endif
