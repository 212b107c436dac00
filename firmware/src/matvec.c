/* Setting up rows of weights, KERNELS.md 3; the loops are in matvec_portable.c and matvec_cortex_m4.S. */
#include "matvec.h"

/* Units of 4 columns that the blocks of one part cover. */
GL_INLINE uint32_t units_of(const gl_matvec *m, uint32_t columns) {
  return m->bits == 8u ? gl_pad4(columns) >> 2 : gl_pad8(columns) >> 2;
}

void gl_matvec_begin(gl_matvec *m, const gl_layer *layer) {
  m->bits = GL_U8(layer, BITS);
  m->params = GL_TENSOR(layer, ROW_PARAMS);
  m->weights = GL_TENSOR(layer, WEIGHTS);
#if GATELET_CORTEX_M4
  m->weights -= 4;
#else
  m->params_skip = 0;
#endif
}

#if GATELET_CORTEX_M4

GL_STATIC_ASSERT(offsetof(gl_matvec, first) == sizeof(gl_second_part), "layout of gl_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_matvec, second.rounds) == GL_M4_SECOND_ROUNDS, "layout of gl_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_matvec, first.rounds) == GL_M4_FIRST_ROUNDS, "layout of gl_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_matvec, params) == GL_M4_PARAMS, "layout of gl_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_matvec, weights) == GL_M4_WEIGHTS, "layout of gl_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_fused_matvec, table) == GL_M4_TANH_TABLE, "layout of gl_fused_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_fused_matvec, cell) == GL_M4_CELL, "layout of gl_fused_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_fused_matvec, cell_shift) == GL_M4_CELL_SHIFT, "layout of gl_fused_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_after_matvec, input) == GL_M4_AFTER_INPUT_PART, "layout of gl_after_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_after_matvec, state) == GL_M4_AFTER_STATE_PART, "layout of gl_after_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_after_matvec, reset) == GL_M4_AFTER_WAITING, "layout of gl_after_matvec");

/* the end of all quads writes both */
GL_STATIC_ASSERT(GL_M4_PARAMS < sizeof(gl_alone) && GL_M4_WEIGHTS < sizeof(gl_alone), "layout of gl_alone");
GL_STATIC_ASSERT(offsetof(gl_alone, behind_half) == GL_M4_BEHIND_HALF, "layout of gl_alone");
GL_STATIC_ASSERT(offsetof(gl_layer, model) == GL_LAYER_MODEL && offsetof(gl_layer, record) == GL_LAYER_MODEL + 4 &&
                     offsetof(gl_layer, arena) == GL_LAYER_ARENA && offsetof(gl_layer, counters) == GL_LAYER_COUNTERS &&
                     offsetof(gl_layer, input) == GL_LAYER_COUNTERS + 4,
                 "layout of gl_layer");

void gl_m4_loop8(void);
void gl_m4_loop4(void);
uint32_t gl_m4_sum(const int16_t *x, uint32_t units, uint32_t sum);

/* Inline, for what sets up two parts at once. */
GL_INLINE gl_part make_part(const gl_matvec *m, const int16_t *x, uint32_t columns) {
  const uint32_t units = units_of(m, columns);
  /* units of the first round that are jumped over */
  const uint32_t skipped = (0u - units) & 7u;
  gl_part part;
  part.x = (uint32_t)(uintptr_t)x - 8u * skipped - 4u;
  part.step_back = 16u * skipped;
  part.entry = (uint32_t)(uintptr_t)&gl_m4_loop8 + GL_M4_UNIT8_BYTES * skipped;
#if GATELET_INT4
  if (m->bits != 8u) {
    part.step_back = 8u * skipped;
    part.entry = (uint32_t)(uintptr_t)&gl_m4_loop4 + GL_M4_UNIT4_BYTES * skipped;
  }
#endif
  part.extra = 0;
  part.rounds = (((units + skipped) >> 3) - 1u) << 8;
  return part;
}

gl_part gl_matvec_part(const gl_matvec *m, const int16_t *x, uint32_t columns) { return make_part(m, x, columns); }

uint32_t gl_matvec_sum(const gl_matvec *m, const int16_t *x, uint32_t columns) {
  return gl_m4_sum(x, units_of(m, columns), 0);
}

#else

GL_INLINE gl_part make_part(const gl_matvec *m, const int16_t *x, uint32_t columns) {
  gl_part part;
  part.x = x;
  part.units = units_of(m, columns);
  return part;
}

gl_part gl_matvec_part(const gl_matvec *m, const int16_t *x, uint32_t columns) { return make_part(m, x, columns); }

uint32_t gl_matvec_sum(const gl_matvec *m, const int16_t *x, uint32_t columns) {
  const int16_t *end = x + 4u * units_of(m, columns);
  int32_t sum = 0;
  for (; x != end; x++) sum = gl_add(sum, *x);
  return (uint32_t)sum;
}

#endif

#if GL_HAS(DENSE) || GL_HAS(CONV1D)
void gl_matvec_over(const gl_layer *layer, const int16_t *x, uint32_t columns) {
#if GATELET_CORTEX_M4
  gl_alone alone;
  gl_m4_row(layer, x, columns, gl_m4_sum(x, gl_pad4(columns) >> 2, 0), &alone);
#else
  gl_matvec m;
  gl_matvec_begin(&m, layer);
  gl_matvec_use(&m, make_part(&m, x, columns), gl_matvec_sum(&m, x, columns));
  const uint32_t quads = gl_pad4(GL_U16(layer, OUTPUT_SIZE)) >> 2;
  int16_t *out = GL_ARENA(layer, OUTPUT);
  if ((GL_U8(layer, FLAGS) & GATELET_FLAG_OUT32) != 0u) {
    gl_quads_s32(&m, (int32_t *)(void *)out, quads);
  } else if (GL_U8(layer, ACTIVATION) == GATELET_ACTIVATION_RELU) {
    gl_quads_relu(&m, out, quads);
  } else {
    gl_quads_s16(&m, out, quads);
  }
#endif
}
#endif

gl_sums_pair gl_matvec_recurrent(gl_matvec *m, const gl_layer *layer, const int16_t *state) {
  const uint32_t inputs = GL_U16(layer, INPUT_SIZE), hidden = GL_U16(layer, OUTPUT_SIZE);
  gl_sums_pair sums;
  gl_matvec_begin(m, layer);
  const int swapped = GL_U8(layer, RECURRENT_FIRST) != 0u;
  const int16_t *first = swapped ? state : layer->input, *second = swapped ? layer->input : state;
  gl_matvec_use_both(m, make_part(m, first, swapped ? hidden : inputs), make_part(m, second, swapped ? inputs : hidden),
                     GL_U8(layer, ALIGN_SHIFT));
  sums.input = gl_matvec_sum(m, layer->input, inputs);
  sums.state = gl_matvec_sum(m, state, hidden);
  gl_matvec_sums_of(m, layer, sums.input, sums.state);
  return sums;
}

GL_NOINLINE void activate(const gl_layer *layer, int16_t *out) {
  const gl_activation activation = gl_layer_activation(layer);
  gl_activate_row(&activation, out, GL_U16(layer, OUTPUT_SIZE));
  gl_zero_tail(out, GL_U16(layer, OUTPUT_SIZE));
}

void gl_matvec_finish(const gl_layer *layer, int16_t *out) {
  const uint32_t kind = GL_U8(layer, ACTIVATION);
  if (kind != GATELET_ACTIVATION_LINEAR && (kind != GATELET_ACTIVATION_RELU || GL_S16(layer, ACTIVATION_PARAM) != 32767)) {
    activate(layer, out);
  } else {
    gl_zero_tail(out, GL_U16(layer, OUTPUT_SIZE));
  }
}

#if GL_HAS(RNN)
void gl_matvec_row(gl_matvec *m, const gl_layer *layer, int16_t *out) {
  const uint32_t quads = gl_pad4(GL_U16(layer, OUTPUT_SIZE)) >> 2;
  const int relu = GL_U8(layer, ACTIVATION) == GATELET_ACTIVATION_RELU;
#if GATELET_CORTEX_M4
  gl_quads_run(m, out, out + 4u * quads, relu ? GL_M4_BOTH_RELU : GL_M4_BOTH);
#else
  if (relu) {
    gl_quads_relu(m, out, quads);
  } else {
    gl_quads_s16(m, out, quads);
  }
#endif
  gl_matvec_finish(layer, out);
}
#endif
