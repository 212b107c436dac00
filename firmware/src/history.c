/* The history of rows that windowed kernels share, KERNELS.md 5. */
#include "history.h"

#if GL_HAS(CONV1D) || GL_HAS(DEPTHWISE_CONV1D) || GL_HAS(POOL)

/* Counts `wait` down; 1 when a row is due. */
static int is_due(const gl_layer *layer) {
  uint8_t *at = layer->counters + GATELET_COUNTER_WAIT;
  const uint32_t wait = gl_u16(at) - 1u;
  gl_set_u16(at, wait != 0u ? wait : GL_U16(layer, STRIDE));
  return wait == 0u;
}

#if GL_HAS(POOL)
/* How many rows of the window are real, for the average at the borders. */
static void count_real(const gl_layer *layer) {
  uint32_t front = gl_u16(layer->counters + GATELET_COUNTER_FRONT);
  uint32_t real = gl_u16(layer->counters + GATELET_COUNTER_REAL);
  if (front > 0u) {
    front--;
  } else if (real > 0u) {
    real--;
  }
  if (layer->input != NULL) real++;
  gl_set_u16(layer->counters + GATELET_COUNTER_FRONT, front);
  gl_set_u16(layer->counters + GATELET_COUNTER_REAL, real);
}
#endif

int gl_window_push(const gl_layer *layer, uint32_t kept, uint32_t row_bytes, uint32_t filled) {
  uint8_t *history = (uint8_t *)GL_ARENA(layer, STATE), *last = history + kept;
  const int is_pool = GL_HAS(POOL) && GL_U8(layer, KERNEL) == GATELET_KERNEL_POOL;
  const int averages = GL_U8(layer, MODE) == GATELET_POOL_MODE_AVERAGE;
  int due;
  do {
    gl_copy_words(history, history + row_bytes, kept);
    if (layer->input != NULL) {
      gl_copy_words(last, layer->input, row_bytes);
    } else {
      for (uint32_t i = 0; i < filled; i++) gl_set_u16(last + 2u * i, is_pool && !averages ? 0x8000u : 0u);
    }
#if GL_HAS(POOL)
    if (averages) count_real(layer);
#endif
    due = is_due(layer);
  } while (due == 0 && layer->input == NULL);
  return due;
}
#endif
