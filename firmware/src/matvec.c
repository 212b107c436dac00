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

void gl_m4_quads8_loop(void);
void gl_m4_quads4_loop(void);
uint32_t gl_m4_sum(const int16_t *x, uint32_t units, uint32_t sum);

/* Inline, for what sets up two parts at once. */
GL_INLINE gl_part make_part(const gl_matvec *m, const int16_t *x, uint32_t columns) {
  const uint32_t units = units_of(m, columns);
  /* units of the first round that are jumped over */
  const uint32_t skipped = (0u - units) & 7u;
  gl_part part;
  part.x = (uint32_t)(uintptr_t)x - 8u * skipped - 4u;
  part.step_back = 16u * skipped;
  part.entry = (uint32_t)(uintptr_t)&gl_m4_quads8_loop + GL_M4_UNIT8_BYTES * skipped;
#if GATELET_INT4
  if (m->bits != 8u) {
    part.step_back = 8u * skipped;
    part.entry = (uint32_t)(uintptr_t)&gl_m4_quads4_loop + GL_M4_UNIT4_BYTES * skipped;
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

void gl_matvec_single(gl_matvec *m, const gl_layer *layer, const int16_t *x, uint32_t columns) {
  gl_matvec_begin(m, layer);
  gl_matvec_use(m, make_part(m, x, columns), gl_matvec_sum(m, x, columns));
}

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

void gl_matvec_row(gl_matvec *m, const gl_layer *layer, int16_t *out) {
  const uint32_t values = GL_U16(layer, OUTPUT_SIZE), quads = gl_pad4(values) >> 2;
  const uint32_t kind = GL_U8(layer, ACTIVATION);
#if GATELET_CORTEX_M4
  const int relu = kind == GATELET_ACTIVATION_RELU, both = (m->first.rounds & GL_M4_HAS_SECOND) != 0u;
  const uint32_t flags = both ? (relu ? GL_M4_BOTH_RELU : GL_M4_BOTH) : (relu ? GL_M4_RELU : GL_M4_ALONE);
  gl_quads_run(m, out, out + 4u * quads, flags);
#else
  if (kind == GATELET_ACTIVATION_RELU) {
    gl_quads_relu(m, out, quads);
  } else {
    gl_quads_s16(m, out, quads);
  }
#endif
  if (kind != GATELET_ACTIVATION_LINEAR && (kind != GATELET_ACTIVATION_RELU || GL_S16(layer, ACTIVATION_PARAM) != 32767)) {
    const gl_activation activation = gl_layer_activation(layer);
    gl_activate_row(&activation, out, values);
  }
  gl_zero_tail(out, values);
}
