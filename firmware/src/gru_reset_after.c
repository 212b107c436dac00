/* GRU with reset after, KERNELS.md (25): the candidate has an input row and a recurrent row of its own. */
#include "gru.h"

#if GL_HAS(GRU_RESET_AFTER)

/* (25) up to the saturated pre-activation */
GL_INLINE int32_t candidate(int32_t r, int32_t from_input, int32_t from_state) {
  const int32_t gated = gl_add(gl_mul(r, from_state), 1 << 13) >> 14;
  return gl_sat16(gl_add(gl_mul(2, from_input), gated));
}

/* p: z x 4, r x 4; q: candidate input x 4, recurrent x 4 */
static void units_sigmoid_tanh(const int16_t *p, const int32_t *q, const int16_t *h, int16_t *next, uint32_t n) {
  const uint32_t *table = gl_tanh_half;
  uint32_t pair = GL_TANH_PAIR;
  const int16_t *end = next + n;
  for (; next != end; p++, q++) {
    const int32_t r = gl_sigmoid_v(table, p[4], &pair);
    const int32_t g = gl_tanh_v(table, candidate(r, q[0], q[4]), &pair);
    const int32_t z = gl_sigmoid_v(table, p[0], &pair);
    *next++ = (int16_t)gl_gru_next(z, g, *h++);
  }
}

static void units_any(const gl_activation *gate, const gl_activation *activation, const int16_t *p, const int32_t *q,
                      const int16_t *h, int16_t *next, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    const int32_t g = gl_activate(activation, candidate(gl_activate(gate, p[4u + i]), q[i], q[4u + i]));
    next[i] = (int16_t)gl_gru_next(gl_activate(gate, p[i]), g, h[i]);
  }
}

void gl_gru_reset_after(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  const gl_activation gate = gl_layer_gate(layer), activation = gl_layer_activation(layer);
  const int inlined = gate.kind == GATELET_ACTIVATION_SIGMOID && activation.kind == GATELET_ACTIVATION_TANH;
  const uint32_t recurrent_part = GL_U8(layer, RECURRENT_FIRST) != 0u ? 0u : 1u;
  int16_t *state = GL_ARENA(layer, STATE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  gl_matvec m;
  const uint32_t input_sum = gl_matvec_recurrent(&m, layer, state);
  const uint32_t state_sum = gl_matvec_sum(&m, state, hidden);
  gl_matvec_sums_of(&m, layer, input_sum, state_sum);
  for (uint32_t u = 0; u < hidden; u += 4u) {
    const uint32_t n = hidden - u < 4u ? hidden - u : 4u;
    int16_t p[8];
    int32_t q[8];
    gl_quads_s16(&m, p, 2);
    gl_quad_of_part(&m, recurrent_part ^ 1u, input_sum, q);
    gl_quad_of_part(&m, recurrent_part, state_sum, q + 4);
    if (inlined) {
      units_sigmoid_tanh(p, q, state + u, next + u, n);
    } else {
      units_any(&gate, &activation, p, q, state + u, next + u, n);
    }
  }
  gl_zero_tail(next, hidden);
  gl_copy_blocks(state, next, gl_row_bytes(hidden));
}
#endif
