/* GRU with reset before, KERNELS.md (22) to (24): all reset gates first, then update gate and candidate group by group. */
#include "gru.h"

#if GL_HAS(GRU)

/* (22) on the whole row: pre-activations become r * h */
static void reset_rows(const gl_activation *gate, const int16_t *h, int16_t *rh, uint32_t hidden) {
  uint32_t pair = GL_TANH_PAIR;
  const int16_t *end = rh + hidden;
  if (gate->kind == GATELET_ACTIVATION_SIGMOID) {
    const uint32_t *table = gl_tanh_half;
    for (; rh != end; rh++, h++) {
      *rh = (int16_t)gl_sat16_shift15(gl_add(gl_mul(gl_sigmoid_v(table, *rh, &pair), *h), 1 << 14));
    }
  } else {
    for (; rh != end; rh++, h++) {
      *rh = (int16_t)gl_sat16_shift15(gl_add(gl_mul(gl_activate(gate, *rh), *h), 1 << 14));
    }
  }
}

void gl_gru(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  const gl_activation gate = gl_layer_gate(layer), activation = gl_layer_activation(layer);
  const int inlined = gate.kind == GATELET_ACTIVATION_SIGMOID && activation.kind == GATELET_ACTIVATION_TANH;
  const uint32_t recurrent_part = GL_U8(layer, RECURRENT_FIRST) != 0u ? 0u : 1u;
  int16_t *state = GL_ARENA(layer, STATE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  int16_t *reset = next + gl_pad8(hidden);
  gl_matvec m;
  const uint32_t input_sum = gl_matvec_recurrent(&m, layer, state);
  gl_matvec_sums_of(&m, layer, input_sum, gl_matvec_sum(&m, state, hidden));
  gl_quads_s16(&m, reset, gl_pad4(hidden) >> 2);
  reset_rows(&gate, state, reset, hidden);
  gl_zero_tail(reset, hidden);

  const uint32_t update_bias = m.cursor.trick_bias;
  gl_matvec_sums_of(&m, layer, input_sum, gl_matvec_sum(&m, reset, hidden));
  const uint32_t candidate_bias = m.cursor.trick_bias;
  for (uint32_t u = 0; u < hidden; u += 4u) {
    const uint32_t n = hidden - u < 4u ? hidden - u : 4u;
    int16_t p[8];
    m.cursor.trick_bias = update_bias;
    gl_quads_s16(&m, p, 1);
    m.cursor.trick_bias = candidate_bias;
    gl_matvec_move(&m, recurrent_part, state, reset);
    gl_quads_s16(&m, p + 4, 1);
    gl_matvec_move(&m, recurrent_part, reset, state);
    if (inlined) {
      gl_gru_update_sigmoid_tanh(p, p + 4, state + u, next + u, n);
    } else {
      gl_gru_update(&gate, &activation, p, p + 4, state + u, next + u, n);
    }
  }
  gl_zero_tail(next, hidden);
  gl_copy_blocks(state, next, gl_row_bytes(hidden));
}
#endif
