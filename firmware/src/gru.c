/*
 * GRU with reset before, KERNELS.md (22) to (24). All reset gates come first and become r * h; then the update gates of all
 * units wait in the row of the new state (their quads lie between those of the candidate and are met by skipping);
 * then the candidates finish the state. Minimal GRU, (46), (47): its forget gates are the reset gates and, negated, wait as
 * the update gates.
 */
#include "gru.h"

#if GL_HAS(GRU) || GL_HAS(MINIMAL_GRU)

/* next: pre-activations of the update gates, then the new state */
static void finish_candidates(gl_matvec *m, const gl_layer *layer, const int16_t *h, int16_t *next, uint32_t hidden) {
  const gl_activation gate = gl_layer_gate(layer), activation = gl_layer_activation(layer);
  for (uint32_t u = 0; u < hidden; u++) {
    int16_t p[4];
    if ((u & 3u) == 0u) gl_quads_s16(m, p, 1);
    const int32_t z = gl_activate(&gate, next[u]), g = gl_activate(&activation, p[u & 3u]);
    next[u] = (int16_t)gl_gru_next(z, g, h[u]);
  }
}

#if GATELET_CORTEX_M4
typedef gl_fused_matvec gru_matvec;
#else
typedef struct gru_matvec {
  gl_matvec m;
} gru_matvec;
#endif

/* Candidates of all units, then the new state. */
static void run_candidates(gru_matvec *g, const gl_layer *layer, int16_t *state, int16_t *next, uint32_t hidden) {
#if GATELET_CORTEX_M4
  if (gl_is_sigmoid_tanh(layer)) {
    g->cell = state;
    gl_quads_run(&g->m, next, next + gl_pad4(hidden), GL_M4_GRU_CANDIDATE);
    return;
  }
#endif
  finish_candidates(&g->m, layer, state, next, hidden);
}

/* The candidates see `reset`, r * h, in the place of the state; then the new state in the place of the old one. */
static void finish(gru_matvec *g, const gl_layer *layer, gl_sums_pair sums, int16_t *state, int16_t *next) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  int16_t *reset = next + gl_pad8(hidden);
  gl_zero_tail(reset, hidden);
  gl_matvec_move(&g->m, GL_U8(layer, RECURRENT_FIRST) != 0u ? 0u : 1u, state, reset);
  gl_matvec_sums_of(&g->m, layer, sums.input, gl_matvec_sum(&g->m, reset, hidden));
  run_candidates(g, layer, state, next, hidden);
  gl_zero_tail(next, hidden);
  gl_copy_blocks(state, next, gl_row_bytes(hidden));
}
#endif

#if GL_HAS(GRU)

/* (22) on the whole row: pre-activations become r * h */
static void reset_rows(const gl_layer *layer, const int16_t *h, int16_t *rh, uint32_t hidden) {
  const gl_activation gate = gl_layer_gate(layer);
  for (const int16_t *end = rh + hidden; rh != end; rh++) {
    *rh = (int16_t)gl_sat16_shift15(gl_add(gl_mul(gl_activate(&gate, *rh), *h++), 1 << 14));
  }
}

/* Reset gates of all units, then r * h. */
static void run_reset(gru_matvec *g, const gl_layer *layer, int16_t *state, int16_t *reset, uint32_t hidden) {
  const uint32_t quads = gl_pad4(hidden) >> 2;
#if GATELET_CORTEX_M4
  if (gl_is_sigmoid_tanh(layer)) {
    g->table = gl_tanh_half;
    g->cell = state;
    gl_quads_run(&g->m, reset, reset + 4u * quads, GL_M4_GRU_RESET);
    return;
  }
#endif
  gl_quads_s16(&g->m, reset, quads);
  reset_rows(layer, state, reset, hidden);
}

void gl_gru(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE), quads = gl_pad4(hidden) >> 2;
  int16_t *state = GL_ARENA(layer, STATE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  int16_t *reset = next + gl_pad8(hidden);
  gru_matvec g;
  const gl_sums_pair sums = gl_matvec_recurrent(&g.m, layer, state);
  const uint32_t quad_bytes = gl_part_bytes(&g.m, GL_U16(layer, INPUT_SIZE)) + gl_part_bytes(&g.m, hidden);
  run_reset(&g, layer, state, reset, hidden);

  const uint8_t *weights = g.m.weights, *params = g.m.params;
  gl_matvec_seek(&g.m, weights, quad_bytes, params, 1);
  gl_quads_s16(&g.m, next, quads);
  gl_matvec_seek_on(&g.m, weights + quad_bytes, quad_bytes, params + GATELET_ROW_PARAM_BYTES);
  finish(&g, layer, sums, state, next);
}
#endif

#if GL_HAS(MINIMAL_GRU)

/* (46) on the whole row; next: pre-activations of the forget gates, then those of 1 - f */
static void forget_rows(const gl_layer *layer, const int16_t *h, int16_t *next, int16_t *fh, uint32_t hidden) {
  const gl_activation gate = gl_layer_gate(layer);
  const uint32_t *table = gl_tanh_half;
  uint32_t pair = GL_TANH_PAIR;
  for (const int16_t *end = next + hidden; next != end; next++) {
    const int32_t p = *next;
    const int32_t f = gate.kind == GATELET_ACTIVATION_SIGMOID ? gl_sigmoid_v(table, p, &pair) : gl_activate(&gate, p);
    *fh++ = (int16_t)gl_sat16_shift15(gl_add(gl_mul(f, *h++), 1 << 14));
    *next = (int16_t)gl_sat16(-p);
  }
}

void gl_minimal_gru(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  int16_t *state = GL_ARENA(layer, STATE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  gru_matvec g;
  const gl_sums_pair sums = gl_matvec_recurrent(&g.m, layer, state);
#if GATELET_CORTEX_M4
  g.table = gl_tanh_half;
#endif
  gl_quads_s16(&g.m, next, gl_pad4(hidden) >> 2);
  forget_rows(layer, state, next, next + gl_pad8(hidden), hidden);
  finish(&g, layer, sums, state, next);
}
#endif
