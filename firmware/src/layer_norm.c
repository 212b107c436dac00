/* Layer normalization, KERNELS.md (40) to (42): 1 / sqrt by table and two Newton steps. */

#include "wide.h"

#if GL_HAS(LAYER_NORM)
int gl_layer_norm(const gl_layer *layer) {
  const uint32_t n = GL_U16(layer, INPUT_SIZE);
  const uint8_t *aux = GL_TENSOR(layer, AUX);
  const int16_t *x = layer->input;
  int16_t *out = GL_ARENA(layer, OUTPUT);
  int32_t sum = 0;
  uint64_t squares = 0;
  for (uint32_t i = 0; i < n; i++) {
    sum += x[i];
    squares += (uint32_t)(x[i] * x[i]);
  }
  /* (40) */
  const uint64_t w = squares * n - (uint64_t)((int64_t)sum * sum) + (uint64_t)gl_s64(aux);
  const gl_normal normal = gl_normalize(w);
  const int32_t e = normal.log2 & ~1;
  const uint32_t m = normal.m >> (1 - (normal.log2 & 1));
  /* (41) */
  uint32_t r = (uint32_t)gl_rsqrt[(m >> 25) - 32u] << 15;
  for (int step = 0; step < 2; step++) {
    const uint32_t u = gl_high(m, gl_high(r, r));
    r = (uint32_t)(((uint64_t)r * (0x30000000u - u)) >> 29);
  }
  /* (42) */
  const uint32_t shift = (uint32_t)(26 + (e - 30) / 2);
  const uint8_t *entry = aux + 16;
  for (uint32_t i = 0; i < n; i++, entry += GATELET_AFFINE_ENTRY_BYTES) {
    const int32_t centred = (int32_t)n * x[i] - sum;
    out[i] = (int16_t)gl_affine((int32_t)(((int64_t)centred * (int64_t)r) >> shift), entry);
  }
  return gl_emit_row(layer);
}
#endif
