/* Global max and average pooling, KERNELS.md (31): running maxima, or sums with a count. */

#include "internal.h"

#if GL_HAS(GLOBAL_POOL)

static int is_complete(const gl_layer *layer) {
  return gl_u32(layer->counters + GATELET_COUNTER_SEEN) == GL_U32(layer, ROWS_IN);
}

static int maximum(const gl_layer *layer, uint32_t n) {
  int16_t *best = GL_ARENA(layer, STATE);
  for (uint32_t i = 0; i < n; i++) best[i] = (int16_t)gl_max(layer->input[i], best[i]);
  if (!is_complete(layer)) return 0;
  gl_copy_words(GL_ARENA(layer, OUTPUT), best, gl_row_bytes(n));
  return 1;
}

static int average(const gl_layer *layer, uint32_t n) {
  uint8_t *count = (uint8_t *)GL_ARENA(layer, STATE);
  uint8_t *sums = count + 16;
  const int obeys = (GL_U8(layer, FLAGS) & GATELET_FLAG_MASK_OBEY) != 0u;
  if (layer->masked == 0u || !obeys) {
    gl_set_u32(count, gl_u32(count) + 1u);
    for (uint32_t i = 0; i < n; i++) {
      const int32_t sum = gl_add(gl_s32(sums + 4u * i), layer->input[i]);
      gl_set_u32(sums + 4u * i, (uint32_t)sum);
    }
  }
  if (!is_complete(layer)) return 0;
  const int32_t factor = obeys ? gl_s32(GL_TENSOR(layer, AUX) + 4u * gl_u32(count)) : GL_S32(layer, MULTIPLIER);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  for (uint32_t i = 0; i < n; i++) {
    out[i] = (int16_t)gl_sat16(gl_mulh((int32_t)(gl_u32(sums + 4u * i) << 2), factor));
  }
  return gl_emit_row(layer);
}

int gl_global_pool(const gl_layer *layer) {
  const uint32_t n = GL_U16(layer, INPUT_SIZE);
  return GL_U8(layer, MODE) == GATELET_POOL_MODE_AVERAGE ? average(layer, n) : maximum(layer, n);
}
#endif
