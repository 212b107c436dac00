/*
 * GRU with reset before, KERNELS.md (22) to (24). All reset gates come first and become r * h; then the update gates of all
 * units wait in the row of the new state (their quads lie between those of the candidate and are met by skipping);
 * then the candidates finish the state. Minimal GRU, (46), (47): its forget gates are the reset gates and, negated, wait as
 * the update gates.
 */

#include "gru.h"

#if GL_HAS_GRU

/* (22), (46) on the whole row: p of the gates become r * h */
GL_NOINLINE void reset_row(const gl_layer *layer, int16_t *r, uint32_t hidden) {
  const int16_t *h = GL_ARENA(layer, STATE);
  gl_activate(layer, 1, r, hidden);
  for (const int16_t *end = r + hidden; r != end; r++) {
    *r = (int16_t)gl_sat16_shift15(gl_add(gl_mul(*r, *h++), 1 << 14));
  }
}

#if GL_HAS(GRU)

/* Reset gates of all units, then r * h; pre-activations of the update gates into `next`. */
GL_INLINE void run_gates(gl_gated_matvec *g, const gl_layer *layer, int16_t *next, int16_t *reset, uint32_t hidden) {
  const uint32_t quad_bytes = gl_part_bytes(&g->m, GL_U16(layer, INPUT_SIZE)) + gl_part_bytes(&g->m, hidden);
#if GATELET_CORTEX_M4
  if (gl_is_sigmoid_tanh(layer)) {
    g->units.fused.table = gl_tanh_half;
    g->units.fused.cell = GL_ARENA(layer, STATE);
    gl_quads_run(&g->m, reset, reset + gl_pad4(hidden), GL_M4_GRU_RESET);
  } else
#endif
  {
    gl_quads_s16(&g->m, reset, gl_pad4(hidden) >> 2);
    reset_row(layer, reset, hidden);
  }
  const uint8_t *weights = g->m.weights, *params = g->m.params;
  gl_matvec_seek(&g->m, weights, quad_bytes, params, 1);
  gl_quads_s16(&g->m, next, gl_pad4(hidden) >> 2);
  gl_matvec_seek_on(&g->m, weights + quad_bytes, quad_bytes, params + GATELET_ROW_PARAM_BYTES);
}
#endif

#if GL_HAS(MINIMAL_GRU)

#if GATELET_CORTEX_M4
void gl_m4_forget_rows(const gl_layer *layer, const uint32_t *table);
#endif

/* (46); next: pre-activations of the forget gates, then those of 1 - f */
GL_INLINE void forget_rows(const gl_layer *layer, int16_t *next, int16_t *fh, uint32_t hidden) {
#if GATELET_CORTEX_M4
  if (GL_U8(layer, GATE_ACTIVATION) == GATELET_ACTIVATION_SIGMOID) {
    gl_m4_forget_rows(layer, gl_tanh_half);
    return;
  }
#endif
  gl_copy_words(fh, next, gl_row_bytes(hidden));
  reset_row(layer, fh, hidden);
  for (const int16_t *end = next + hidden; next != end; next++) *next = (int16_t)gl_sat16(-*next);
}
#endif

/* Candidates of all units; next: pre-activations of the update gates, then the new state. */
GL_INLINE void run_candidates(gl_gated_matvec *g, const gl_layer *layer, int16_t *next, uint32_t hidden) {
  const int16_t *h = GL_ARENA(layer, STATE);
#if GATELET_CORTEX_M4
  if (gl_is_sigmoid_tanh(layer)) {
    g->units.fused.table = gl_tanh_half;
    g->units.fused.cell = GL_ARENA(layer, STATE);
    gl_quads_run(&g->m, next, next + gl_pad4(hidden), GL_M4_GRU_CANDIDATE);
    return;
  }
#endif
  int16_t *p = g->units.p;
  gl_activate(layer, 1, next, hidden);
  for (uint32_t left = hidden; left != 0u;) {
    const uint32_t n = left < GL_UNITS ? left : GL_UNITS;
    gl_quads_s16(&g->m, p, gl_pad4(n) >> 2);
    gl_activate(layer, 0, p, n);
    for (uint32_t i = 0; i < n; i++, next++) *next = (int16_t)gl_gru_next(*next, p[i], *h++);
    left -= n;
  }
}

int gl_gru(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  int16_t *reset = next + gl_pad8(hidden);
  gl_gated_matvec g;
  const uint32_t input_sum = (uint32_t)gl_matvec_recurrent(&g.m, layer);
#if GL_HAS(MINIMAL_GRU)
  if (GL_U8(layer, KERNEL) == GATELET_KERNEL_MINIMAL_GRU) {
    gl_quads_s16(&g.m, next, gl_pad4(hidden) >> 2);
    forget_rows(layer, next, reset, hidden);
  }
#endif
#if GL_HAS(GRU)
  if (GL_U8(layer, KERNEL) == GATELET_KERNEL_GRU) run_gates(&g, layer, next, reset, hidden);
#endif
  /* the candidates see r * h in the place of the state */
  gl_zero_tail(reset, hidden);
  gl_matvec_move(&g.m, GL_U8(layer, RECURRENT_FIRST) != 0u ? 0u : 1u, GL_ARENA(layer, STATE), reset);
  gl_matvec_sums_of(&g.m, layer, input_sum, gl_matvec_sum(&g.m, reset, hidden));
  run_candidates(&g, layer, next, hidden);
  return gl_keep_state(layer);
}
#endif
