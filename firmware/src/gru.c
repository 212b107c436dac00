/*
 * GRU with reset before, KERNELS.md (22) to (24). All reset gates come first and become r * h; then the update gates of all
 * units wait in the row of the new state (their quads lie between those of the candidate and are met by skipping);
 * then the candidates finish the state. Minimal GRU, (46), (47): its forget gates are the reset gates and, negated, wait as
 * the update gates.
 */

#include "gru.h"

#if GL_HAS_GRU

#if GL_HAS(GRU)

/* (22) on the whole row: r becomes r * h */
static void reset_row(const gl_layer *layer, int16_t *r, uint32_t hidden) {
  const int16_t *h = GL_ARENA(layer, STATE);
  for (const int16_t *end = r + hidden; r != end; r++) {
    *r = (int16_t)gl_sat16_shift15(gl_add(gl_mul(*r, *h++), 1 << 14));
  }
}

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
    gl_activate_gates(layer, reset, hidden);
    reset_row(layer, reset, hidden);
  }
  const uint8_t *weights = g->m.weights, *params = g->m.params;
  gl_matvec_seek(&g->m, weights, quad_bytes, params, 1);
  gl_quads_s16(&g->m, next, gl_pad4(hidden) >> 2);
  gl_matvec_seek_on(&g->m, weights + quad_bytes, quad_bytes, params + GATELET_ROW_PARAM_BYTES);
}
#endif

#if GL_HAS(MINIMAL_GRU)

/* (46) on the whole row; next: pre-activations of the forget gates, then those of 1 - f */
GL_NOINLINE void forget_rows(const gl_layer *layer, int16_t *next, int16_t *fh, uint32_t hidden) {
  const gl_activation gate = gl_layer_gate(layer);
  const uint32_t *table = gl_tanh_half;
  const int16_t *h = GL_ARENA(layer, STATE);
  uint32_t pair = GL_TANH_PAIR;
  for (const int16_t *end = next + hidden; next != end; next++) {
    const int32_t p = *next;
    const int32_t f = gate.kind == GATELET_ACTIVATION_SIGMOID ? gl_sigmoid_v(table, p, &pair) : gl_activate(&gate, p);
    *fh++ = (int16_t)gl_sat16_shift15(gl_add(gl_mul(f, *h++), 1 << 14));
    *next = (int16_t)gl_sat16(-p);
  }
}
#endif

/* Candidates of all units; next: pre-activations of the update gates, then the new state. */
GL_INLINE void run_candidates(gl_gated_matvec *g, const gl_layer *layer, int16_t *next, uint32_t hidden) {
  const int16_t *h = GL_ARENA(layer, STATE), *end = next + hidden;
#if GATELET_CORTEX_M4
  if (gl_is_sigmoid_tanh(layer)) {
    g->units.fused.table = gl_tanh_half;
    g->units.fused.cell = GL_ARENA(layer, STATE);
    gl_quads_run(&g->m, next, next + gl_pad4(hidden), GL_M4_GRU_CANDIDATE);
    return;
  }
#endif
  gl_any_units *any = &g->units.any;
  any->activation = gl_layer_activation(layer);
  gl_activate_gates(layer, next, hidden);
  while (next != end) {
    gl_quads_s16(&g->m, any->p, 1);
    for (uint32_t i = 0; i < 4u && next != end; i++, next++) {
      *next = (int16_t)gl_gru_next(*next, gl_activate(&any->activation, any->p[i]), *h++);
    }
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
