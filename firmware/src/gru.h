/* What both kinds of GRU share: the update of the hidden state, KERNELS.md (24). */
#ifndef GATELET_GRU_H
#define GATELET_GRU_H

#include "matvec.h"

/* (24); z, g, h int16 */
GL_INLINE int32_t gl_gru_next(int32_t z, int32_t g, int32_t h) {
  const int32_t step = gl_add(gl_mul(z, h - g), 1 << 14) >> 15;
  return gl_sat16(gl_add(g, step));
}

/* pz, pg: pre-activations of n units */
GL_INLINE void gl_gru_update_sigmoid_tanh(const int16_t *pz, const int16_t *pg, const int16_t *h, int16_t *next,
                                          uint32_t n) {
  const uint32_t *table = gl_tanh_half;
  uint32_t pair = GL_TANH_PAIR;
  const int16_t *end = next + n;
  for (; next != end; next++) {
    const int32_t z = gl_sigmoid_v(table, *pz++, &pair);
    const int32_t g = gl_tanh_v(table, *pg++, &pair);
    *next = (int16_t)gl_gru_next(z, g, *h++);
  }
}

GL_INLINE void gl_gru_update(const gl_activation *gate, const gl_activation *activation, const int16_t *pz,
                             const int16_t *pg, const int16_t *h, int16_t *next, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    next[i] = (int16_t)gl_gru_next(gl_activate(gate, pz[i]), gl_activate(activation, pg[i]), h[i]);
  }
}

#endif
