/*
 * GRU with reset after, KERNELS.md (25): the candidate has an input row and a recurrent row of its own. The update gates of
 * all units wait in the row of the new state; the three other quads of a group are met by skipping, in batches.
 */
#include "gru.h"

#if GL_HAS(GRU_RESET_AFTER)

/* groups whose reset gates and candidates wait on the stack */
#define BATCH 2u

/* (25) up to the saturated pre-activation */
GL_INLINE int32_t candidate(int32_t r, int32_t from_input, int32_t from_state) {
  const int32_t gated = gl_add(gl_mul(r, from_state), 1 << 13) >> 14;
  return gl_sat16(gl_add(gl_mul(2, from_input), gated));
}

typedef struct gru_batch {
  int16_t reset[4 * BATCH];
  int32_t from_input[4 * BATCH];
  int32_t from_state[4 * BATCH];
} gru_batch;

/* next: pre-activations of the update gates, then the new state */
static void units_sigmoid_tanh(const gru_batch *b, const int16_t *h, int16_t *next, uint32_t n) {
  const uint32_t *table = gl_tanh_half;
  uint32_t pair = GL_TANH_PAIR;
  const int16_t *reset = b->reset;
  const int32_t *q = b->from_input;
  GL_UNROLL_2
  for (const int16_t *end = next + n; next != end; q++) {
    const int32_t r = gl_sigmoid_v(table, *reset++, &pair);
    const int32_t g = gl_tanh_v(table, candidate(r, q[0], q[4 * BATCH]), &pair);
    const int32_t z = gl_sigmoid_v(table, *next, &pair);
    *next++ = (int16_t)gl_gru_next(z, g, *h++);
  }
}

static __attribute__((noinline)) void units_any(const gl_layer *layer, const gru_batch *b, const int16_t *h,
                                                int16_t *next, uint32_t n) {
  const gl_activation gate = gl_layer_gate(layer), activation = gl_layer_activation(layer);
  for (uint32_t i = 0; i < n; i++) {
    const int32_t r = gl_activate(&gate, b->reset[i]);
    const int32_t g = gl_activate(&activation, candidate(r, b->from_input[i], b->from_state[i]));
    next[i] = (int16_t)gl_gru_next(gl_activate(&gate, next[i]), g, h[i]);
  }
}

void gl_gru_reset_after(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE), quads = gl_pad4(hidden) >> 2;
  int16_t *state = GL_ARENA(layer, STATE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  const int inlined = gl_is_sigmoid_tanh(layer);
  gl_matvec m;
  const gl_sums_pair sums = gl_matvec_recurrent(&m, layer, state);
  const uint32_t input_bytes = gl_part_bytes(&m, GL_U16(layer, INPUT_SIZE)), state_bytes = gl_part_bytes(&m, hidden);
  const uint32_t both_bytes = input_bytes + state_bytes, group_bytes = 3u * both_bytes;
  const uint32_t both_bias = m.trick_bias, to_bias = m.bits == 8u ? 7u : 3u;
  const uint8_t *weights = m.weights, *params = m.params;
  const gl_part first = m.first;
  gl_matvec_seek(&m, weights, group_bytes - both_bytes, params, 3);
  gl_quads_s16(&m, next, quads);
  for (uint32_t u = 0; u < hidden; u += 4u * BATCH) {
    const uint32_t n = hidden - u < 4u * BATCH ? hidden - u : 4u * BATCH, groups = gl_pad4(n) >> 2;
    gru_batch batch;
    params += GATELET_ROW_PARAM_BYTES;
    m.trick_bias = both_bias;
    gl_matvec_use_again(&m, first);
    gl_matvec_seek(&m, weights + both_bytes, group_bytes - both_bytes, params, 3);
    gl_quads_s16(&m, batch.reset, groups);
    params += GATELET_ROW_PARAM_BYTES;
    m.trick_bias = sums.input << to_bias;
    gl_matvec_use(&m, gl_matvec_part(&m, layer->input, GL_U16(layer, INPUT_SIZE)));
    gl_matvec_seek(&m, weights + 2u * both_bytes, group_bytes - input_bytes, params, 3);
    gl_quads_s32(&m, batch.from_input, groups);
    params += GATELET_ROW_PARAM_BYTES;
    m.trick_bias = sums.state << to_bias;
    gl_matvec_use(&m, gl_matvec_part(&m, state, hidden));
    gl_matvec_seek(&m, weights + 2u * both_bytes + input_bytes, group_bytes - state_bytes, params, 3);
    gl_quads_s32(&m, batch.from_state, groups);
    weights += groups * group_bytes;
    params += GATELET_ROW_PARAM_BYTES * (4u * groups - 3u);
    if (inlined) {
      units_sigmoid_tanh(&batch, state + u, next + u, n);
    } else {
      units_any(layer, &batch, state + u, next + u, n);
    }
  }
  gl_zero_tail(next, hidden);
  gl_copy_blocks(state, next, gl_row_bytes(hidden));
}
#endif
