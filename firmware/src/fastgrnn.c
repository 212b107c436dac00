/* FastGRNN, KERNELS.md (48) to (51): the sums of a simple recurrent layer make gate and candidate. */

#include "matvec.h"

#if GL_HAS(FASTGRNN)

#if GATELET_CORTEX_M4
/* All units with a sigmoid gate and tanh. */
void gl_m4_fastgrnn(const gl_layer *layer, const uint32_t *table);
#endif

/* p of the gate, (49) */
GL_INLINE int32_t gate_of(int32_t p, int32_t multiplier, int32_t difference) {
  return gl_sat16(gl_sat16(gl_mulh((int32_t)((uint32_t)p << 16), multiplier)) + difference);
}

/* (50), (51) */
GL_INLINE int32_t next_hidden(int32_t z, int32_t g, int32_t h, int32_t zeta, int32_t nu) {
  const int32_t k = gl_add(nu, gl_add(gl_mul(zeta, 32768 - z), 1 << 14) >> 15);
  return gl_sat16_shift15(gl_add(gl_add(gl_mul(k, g), gl_mul(z, h)), 1 << 14));
}

/* n units; next: p, then the new state */
GL_NOINLINE void finish_group(const gl_layer *layer, uint32_t first, uint32_t n) {
  const int32_t zeta = GL_S32(layer, MULTIPLIER_A), nu = GL_S32(layer, MULTIPLIER_B);
  const int32_t multiplier = GL_S32(layer, MULTIPLIER);
  const int16_t *difference = gl_row_at(GL_TENSOR(layer, AUX)) + first;
  const int16_t *h = GL_ARENA(layer, STATE) + first;
  int16_t *next = GL_ARENA(layer, SCRATCH) + first;
  int16_t z[GL_UNITS] __attribute__((aligned(4)));
  for (uint32_t i = 0; i < n; i++) z[i] = (int16_t)gate_of(next[i], multiplier, difference[i]);
  gl_activate(layer, 1, z, n);
  gl_activate(layer, 0, next, n);
  for (uint32_t i = 0; i < n; i++) next[i] = (int16_t)next_hidden(z[i], next[i], h[i], zeta, nu);
}

GL_INLINE void finish_units(const gl_layer *layer, uint32_t hidden) {
#if GATELET_CORTEX_M4
  if (gl_is_sigmoid_tanh(layer)) {
    gl_m4_fastgrnn(layer, gl_tanh_half);
    return;
  }
#endif
  for (uint32_t u = 0; u < hidden; u += GL_UNITS) finish_group(layer, u, hidden - u < GL_UNITS ? hidden - u : GL_UNITS);
}

int gl_fastgrnn(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  gl_matvec m;
  (void)gl_matvec_recurrent(&m, layer);
  gl_quads_s16(&m, next, gl_pad4(hidden) >> 2);
  finish_units(layer, hidden);
  return gl_keep_state(layer);
}
#endif
