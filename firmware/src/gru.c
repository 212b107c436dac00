/*
 * GRU with reset before, KERNELS.md (22) to (24). All reset gates come first and become r * h; then the update gates of all
 * units wait in the row of the new state (their quads lie between those of the candidate and are met by skipping);
 * then the candidates come in batches and finish the state.
 */
#include "gru.h"

#if GL_HAS(GRU)

/* candidate quads whose pre-activations wait on the stack */
#define BATCH 4u

/* (22) on the whole row: pre-activations become r * h */
static void reset_rows_sigmoid(const int16_t *h, int16_t *rh, uint32_t hidden) {
  const uint32_t *table = gl_tanh_half;
  uint32_t pair = GL_TANH_PAIR;
  GL_UNROLL_2
  for (const int16_t *end = rh + hidden; rh != end; rh++) {
    *rh = (int16_t)gl_sat16_shift15(gl_add(gl_mul(gl_sigmoid_v(table, *rh, &pair), *h++), 1 << 14));
  }
}

static __attribute__((noinline)) void reset_rows_any(const gl_layer *layer, const int16_t *h, int16_t *rh,
                                                     uint32_t hidden) {
  const gl_activation gate = gl_layer_gate(layer);
  for (const int16_t *end = rh + hidden; rh != end; rh++) {
    *rh = (int16_t)gl_sat16_shift15(gl_add(gl_mul(gl_activate(&gate, *rh), *h++), 1 << 14));
  }
}

/* pg: pre-activations of n candidates; next: those of the update gates, then the new state */
static void units_sigmoid_tanh(const int16_t *pg, const int16_t *h, int16_t *next, uint32_t n) {
  const uint32_t *table = gl_tanh_half;
  uint32_t pair = GL_TANH_PAIR;
  GL_UNROLL_2
  for (const int16_t *end = next + n; next != end; next++) {
    const int32_t z = gl_sigmoid_v(table, *next, &pair);
    const int32_t g = gl_tanh_v(table, *pg++, &pair);
    *next = (int16_t)gl_gru_next(z, g, *h++);
  }
}

static __attribute__((noinline)) void units_any(const gl_layer *layer, const int16_t *pg, const int16_t *h,
                                                int16_t *next, uint32_t n) {
  const gl_activation gate = gl_layer_gate(layer), activation = gl_layer_activation(layer);
  for (const int16_t *end = next + n; next != end; next++) {
    *next = (int16_t)gl_gru_next(gl_activate(&gate, *next), gl_activate(&activation, *pg++), *h++);
  }
}

void gl_gru(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE), quads = gl_pad4(hidden) >> 2;
  int16_t *state = GL_ARENA(layer, STATE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  int16_t *reset = next + gl_pad8(hidden);
  const int inlined = gl_is_sigmoid_tanh(layer);
  gl_matvec m;
  const gl_sums_pair sums = gl_matvec_recurrent(&m, layer, state);
  const uint32_t quad_bytes = gl_part_bytes(&m, GL_U16(layer, INPUT_SIZE)) + gl_part_bytes(&m, hidden);
  gl_quads_s16(&m, reset, quads);
  if (inlined) {
    reset_rows_sigmoid(state, reset, hidden);
  } else {
    reset_rows_any(layer, state, reset, hidden);
  }
  gl_zero_tail(reset, hidden);

  const uint8_t *weights = GL_TENSOR(layer, WEIGHTS) + quads * quad_bytes;
  const uint8_t *params = GL_TENSOR(layer, ROW_PARAMS) + quads * GATELET_ROW_PARAM_BYTES;
  gl_matvec_seek(&m, weights, quad_bytes, params, 1);
  gl_quads_s16(&m, next, quads);
  gl_matvec_seek_on(&m, weights + quad_bytes, quad_bytes, params + GATELET_ROW_PARAM_BYTES);
  gl_matvec_move(&m, GL_U8(layer, RECURRENT_FIRST) != 0u ? 0u : 1u, state, reset);
  gl_matvec_sums_of(&m, layer, sums.input, gl_matvec_sum(&m, reset, hidden));
  for (uint32_t u = 0; u < hidden; u += 4u * BATCH) {
    const uint32_t n = hidden - u < 4u * BATCH ? hidden - u : 4u * BATCH;
    int16_t p[4 * BATCH];
    gl_quads_s16(&m, p, gl_pad4(n) >> 2);
    if (inlined) {
      units_sigmoid_tanh(p, state + u, next + u, n);
    } else {
      units_any(layer, p, state + u, next + u, n);
    }
  }
  gl_zero_tail(next, hidden);
  gl_copy_blocks(state, next, gl_row_bytes(hidden));
}
#endif
