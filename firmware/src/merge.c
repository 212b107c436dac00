/* Two rows become one, KERNELS.md (36) to (39). */

#include "internal.h"

#if GL_HAS(MERGE)

/* (36) for one value */
GL_INLINE int32_t scaled(int32_t value, int32_t factor, uint32_t shift) {
  return gl_sat16(gl_rshr(value * factor, shift));
}

static int32_t combine(const gl_layer *layer, uint32_t mode, int32_t a, int32_t b) {
  const int32_t factor_a = GL_S32(layer, MULTIPLIER_A), factor_b = GL_S32(layer, MULTIPLIER_B);
  const uint32_t shift = GL_U8(layer, SHIFT);
  if (mode == GATELET_MERGE_MODE_ADD) return gl_sat16(gl_rshr(gl_add(a * factor_a, b * factor_b), shift));
  if (mode == GATELET_MERGE_MODE_MULTIPLY) return gl_sat16(gl_mulh(a * b, GL_S32(layer, MULTIPLIER)));
  a = scaled(a, factor_a, shift);
  b = scaled(b, factor_b, shift);
  return mode == GATELET_MERGE_MODE_MAXIMUM ? gl_max(a, b) : gl_min(a, b);
}

int gl_merge(const gl_layer *layer) {
  const uint8_t *source = gl_counters_of(layer, GL_U16(layer, INPUT_1));
  const int16_t *second = gl_row_of(layer, source);
  if ((layer->input != NULL) != (source[GATELET_COUNTER_FRESH] != 0u)) return GATELET_STATUS_SCHEDULE;
  if (layer->input == NULL) return 0;
  const uint32_t n = GL_U16(layer, INPUT_SIZE), mode = GL_U8(layer, MODE);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  if (mode == GATELET_MERGE_MODE_CONCAT) {
    const int32_t factor_a = GL_S32(layer, MULTIPLIER_A), factor_b = GL_S32(layer, MULTIPLIER_B);
    const uint32_t shift = GL_U8(layer, SHIFT), m = GL_U16(layer, DEPTH_MULTIPLIER);
    for (uint32_t i = 0; i < n; i++) out[i] = (int16_t)scaled(layer->input[i], factor_a, shift);
    for (uint32_t i = 0; i < m; i++) out[n + i] = (int16_t)scaled(second[i], factor_b, shift);
  } else {
    for (uint32_t i = 0; i < n; i++) out[i] = (int16_t)combine(layer, mode, layer->input[i], second[i]);
  }
  (void)gl_emit_row(layer);
  return source[GATELET_COUNTER_MASKED] != 0u ? GL_EMITS | GL_WAS_MASKED : GL_EMITS;
}
#endif
