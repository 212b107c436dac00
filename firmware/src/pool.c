/* Max and average pooling over a window of rows, KERNELS.md (29), (30). */
#include "history.h"

#if GL_HAS(POOL)

static void maximum(const gl_layer *layer, const int16_t *history, uint32_t row) {
  const uint32_t n = GL_U16(layer, OUTPUT_SIZE), taps = GL_U16(layer, TAPS);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  for (uint32_t i = 0; i < n; i++) {
    const int16_t *x = history + i;
    int32_t best = -32768;
    for (uint32_t tap = 0; tap < taps; tap++, x += row) best = gl_max(*x, best);
    out[i] = (int16_t)best;
  }
  gl_zero_tail(out, n);
}

static void average(const gl_layer *layer, const int16_t *history, uint32_t row) {
  const uint32_t n = GL_U16(layer, OUTPUT_SIZE), taps = GL_U16(layer, TAPS);
  const uint32_t real = gl_u16(layer->counters + GATELET_COUNTER_REAL);
  const int32_t reciprocal = gl_s32(GL_TENSOR(layer, AUX) + 4u * real);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  for (uint32_t i = 0; i < n; i++) {
    const int16_t *x = history + i;
    int32_t sum = 0;
    for (uint32_t tap = 0; tap < taps; tap++, x += row) sum = gl_add(sum, *x);
    out[i] = (int16_t)gl_sat16(gl_mulh((int32_t)((uint32_t)sum << 2), reciprocal));
  }
  gl_zero_tail(out, n);
}

/* How many rows of the window are real, for the average at the borders. */
static void count_push(const gl_layer *layer) {
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

int gl_pool(const gl_layer *layer) {
  const uint32_t n = GL_U16(layer, INPUT_SIZE), row_bytes = gl_row_bytes(n), taps = GL_U16(layer, TAPS);
  const int averages = GL_U8(layer, MODE) == GATELET_POOL_MODE_AVERAGE;
  uint8_t *history = (uint8_t *)GL_ARENA(layer, STATE);
  int16_t *last = (int16_t *)(void *)(history + (taps - 1u) * row_bytes);
  int due;
  do {
    gl_history_push(history, taps * row_bytes, row_bytes, layer->input);
    if (layer->input == NULL) {
      for (uint32_t i = 0; i < n; i++) last[i] = (int16_t)(averages ? 0 : -32768);
    }
    if (averages) count_push(layer);
    due = gl_window_due(layer);
  } while (due == 0 && layer->input == NULL);
  if (due != 0) {
    const int16_t *rows = (const int16_t *)(const void *)history;
    if (averages) {
      average(layer, rows, row_bytes / 2u);
    } else {
      maximum(layer, rows, row_bytes / 2u);
    }
  }
  return due;
}
#endif
