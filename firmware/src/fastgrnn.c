/* FastGRNN, KERNELS.md (48) to (51): the sums of a simple recurrent layer make gate and candidate. */

#include "matvec.h"

#if GL_HAS(FASTGRNN)

/* next: pre-activations, then the new state */
GL_NOINLINE void finish_units(const gl_layer *layer, const int16_t *h, int16_t *next, uint32_t hidden) {
  const gl_activation gate = gl_layer_gate(layer), activation = gl_layer_activation(layer);
  const int32_t multiplier = GL_S32(layer, MULTIPLIER);
  const int32_t zeta = GL_S32(layer, MULTIPLIER_A), nu = GL_S32(layer, MULTIPLIER_B);
  const int16_t *difference = gl_row_at(GL_TENSOR(layer, AUX));
  const int is_inline = gl_is_sigmoid_tanh(layer);
  const uint32_t *table = gl_tanh_half;
  uint32_t pair = GL_TANH_PAIR;
  for (const int16_t *end = next + hidden; next != end; next++) {
    const int32_t p = *next;
    const int32_t a = gl_sat16(gl_sat16(gl_mulh((int32_t)((uint32_t)p << 16), multiplier)) + *difference++);
    const int32_t z = is_inline ? gl_sigmoid_v(table, a, &pair) : gl_activate(&gate, a);
    const int32_t g = is_inline ? gl_tanh_v(table, p, &pair) : gl_activate(&activation, p);
    const int32_t k = gl_add(nu, gl_add(gl_mul(zeta, 32768 - z), 1 << 14) >> 15);
    *next = (int16_t)gl_sat16_shift15(gl_add(gl_add(gl_mul(k, g), gl_mul(z, *h++)), 1 << 14));
  }
}

int gl_fastgrnn(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  gl_matvec m;
  (void)gl_matvec_recurrent(&m, layer);
  gl_quads_s16(&m, next, gl_pad4(hidden) >> 2);
  finish_units(layer, GL_ARENA(layer, STATE), next, hidden);
  return gl_keep_state(layer);
}
#endif
