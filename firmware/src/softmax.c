/* Softmax, KERNELS.md (43) to (45): powers of two by table, 1 / sum by three Newton steps. */

#include "wide.h"

#if GL_HAS(SOFTMAX)

/* (43): e of distance d from the maximum, 2^24 at d = 0 */
static uint32_t exponential(uint32_t d, uint32_t multiplier) {
  const uint32_t u = (uint32_t)(((uint64_t)d * multiplier) >> 15);
  const uint32_t k = u >> 16, f = u & 0xffffu;
  const uint32_t *at = gl_exp2 + (f >> 10);
  const uint32_t power = at[0] - (((at[0] - at[1]) * (f & 1023u)) >> 10);
  /* k > 30: all zeros */
  return (power >> (k & 31u)) & (uint32_t)((int32_t)(k - 31u) >> 31);
}

int gl_softmax(const gl_layer *layer) {
  const uint32_t n = GL_U16(layer, INPUT_SIZE), multiplier = GL_U32(layer, MULTIPLIER);
  uint8_t *terms = (uint8_t *)GL_ARENA(layer, SCRATCH);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  int32_t best = -32768;
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++) best = gl_max(layer->input[i], best);
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t term = exponential((uint32_t)(best - layer->input[i]), multiplier);
    gl_set_u32(terms + 4u * i, term);
    sum += term;
  }
  /* (44) */
  const gl_normal normal = gl_normalize(sum);
  const int32_t q = normal.log2 - 31;
  const uint32_t m = normal.m;
  uint32_t r = 3031741620u - gl_high(2021161080u, m);
  for (int step = 0; step < 3; step++) r = (uint32_t)(((uint64_t)r * (0x80000000u - gl_high(m, r))) >> 30);
  /* (45) */
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t y = (uint32_t)(((uint64_t)gl_u32(terms + 4u * i) * r) >> (47 + q));
    out[i] = (int16_t)gl_min((int32_t)y, 32767);
  }
  return gl_emit_row(layer);
}
#endif
