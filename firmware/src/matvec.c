/* Setting up rows of weights, KERNELS.md 3; the loops of portable C are in matvec_portable.c, those of Cortex-M4 in .S. */
#include "matvec.h"

/* Units of 4 columns that the blocks of one part cover. */
static uint32_t units_of(const gl_matvec *m, uint32_t columns) {
  return m->bits == 8u ? gl_pad4(columns) >> 2 : gl_pad8(columns) >> 2;
}

void gl_matvec_begin(gl_matvec *m, const gl_layer *layer) {
  m->bits = GL_U8(layer, BITS);
  m->cursor.shift = GL_U8(layer, ALIGN_SHIFT);
  m->cursor.params = GL_TENSOR(layer, ROW_PARAMS);
  m->cursor.weights = GL_TENSOR(layer, WEIGHTS);
}

#if GATELET_CORTEX_M4

GL_STATIC_ASSERT(offsetof(gl_matvec, part[1]) == GL_M4_SECOND, "layout of gl_matvec");
GL_STATIC_ASSERT(offsetof(gl_matvec, cursor.shift) == GL_M4_SHIFT, "layout of gl_matvec");
GL_STATIC_ASSERT(offsetof(gl_matvec, cursor.trick_bias) == GL_M4_TRICK_BIAS, "layout of gl_matvec");
GL_STATIC_ASSERT(offsetof(gl_matvec, cursor.params) == GL_M4_PARAMS, "layout of gl_matvec");
GL_STATIC_ASSERT(offsetof(gl_matvec, cursor.weights) == GL_M4_WEIGHTS, "layout of gl_matvec");
GL_STATIC_ASSERT(offsetof(gl_matvec, lone) == GL_M4_SECOND + GL_M4_SHIFT, "quads of the second part only");

void gl_m4_quads8(void *m, void *out, const void *end);
void gl_m4_quads8_loop(void);
uint32_t gl_m4_sum(const int16_t *x, uint32_t units, uint32_t sum);
#if GATELET_INT4
void gl_m4_quads4(void *m, void *out, const void *end);
void gl_m4_quads4_loop(void);
#endif

static void run(const gl_matvec *m, void *state, void *out, const void *end) {
#if GATELET_INT4
  if (m->bits != 8u) {
    gl_m4_quads4(state, out, end);
    return;
  }
#endif
  (void)m;
  gl_m4_quads8(state, out, end);
}

void gl_matvec_part(gl_matvec *m, uint32_t index, const int16_t *x, uint32_t columns) {
  const uint32_t units = units_of(m, columns);
  /* units of the first round that are jumped over */
  const uint32_t skipped = (0u - units) & 7u;
  gl_part *part = &m->part[index];
  part->x = (uint32_t)(uintptr_t)x - 8u * skipped - 4u;
  part->step_back = 16u * skipped;
  part->entry = (uint32_t)(uintptr_t)&gl_m4_quads8_loop + GL_M4_UNIT8_BYTES * skipped;
#if GATELET_INT4
  if (m->bits != 8u) {
    part->step_back = 8u * skipped;
    part->entry = (uint32_t)(uintptr_t)&gl_m4_quads4_loop + GL_M4_UNIT4_BYTES * skipped;
  }
#endif
  part->rounds = ((units + skipped) >> 3) - 1u;
  part->rounds <<= 8;
  if (index != 0u) m->part[0].rounds |= GL_M4_HAS_SECOND;
}

uint32_t gl_matvec_sum(const gl_matvec *m, const int16_t *x, uint32_t columns) {
  return gl_m4_sum(x, units_of(m, columns), 0);
}

void gl_quads_s16(gl_matvec *m, int16_t *out, uint32_t quads) { run(m, m, out, out + 4u * quads); }

static void run_special(gl_matvec *m, uint32_t flags, void *out, const void *end) {
  gl_part *last = &m->part[m->part[0].rounds & GL_M4_HAS_SECOND];
  last->rounds |= flags;
  run(m, m, out, end);
  last->rounds &= ~flags;
}

void gl_quads_relu(gl_matvec *m, int16_t *out, uint32_t quads) {
  run_special(m, GL_M4_SPECIAL, out, out + 4u * quads);
}

void gl_quads_s32(gl_matvec *m, int32_t *out, uint32_t quads) {
  run_special(m, GL_M4_SPECIAL | GL_M4_WIDE, out, out + 4u * quads);
}

void gl_quad_of_part(gl_matvec *m, uint32_t index, uint32_t sum, int32_t *out) {
  const uint32_t bias = sum << (m->bits == 8u ? 7 : 3);
  gl_part *part = &m->part[index];
  const uint32_t rounds = part->rounds;
  part->rounds = (rounds & ~255u) | GL_M4_SPECIAL | GL_M4_WIDE;
  if (index == 0u) {
    const uint32_t both = m->cursor.trick_bias;
    m->cursor.trick_bias = bias;
    run(m, m, out, out + 4);
    m->cursor.trick_bias = both;
  } else {
    m->lone.params = m->cursor.params;
    m->lone.weights = m->cursor.weights;
    m->lone.trick_bias = bias;
    run(m, part, out, out + 4);
    m->cursor.params = m->lone.params;
    m->cursor.weights = m->lone.weights;
  }
  part->rounds = rounds;
}

#else

void gl_matvec_part(gl_matvec *m, uint32_t index, const int16_t *x, uint32_t columns) {
  m->part[index].x = x;
  m->part[index].units = units_of(m, columns);
  if (index == 0u) m->part[1].units = 0;
}

uint32_t gl_matvec_sum(const gl_matvec *m, const int16_t *x, uint32_t columns) {
  const int16_t *end = x + 4u * units_of(m, columns);
  int32_t sum = 0;
  for (; x != end; x++) sum = gl_add(sum, *x);
  return (uint32_t)sum;
}

#endif

uint32_t gl_matvec_recurrent(gl_matvec *m, const gl_layer *layer, const int16_t *state) {
  const uint32_t inputs = GL_U16(layer, INPUT_SIZE), hidden = GL_U16(layer, OUTPUT_SIZE);
  const uint32_t first = GL_U8(layer, RECURRENT_FIRST);
  gl_matvec_begin(m, layer);
  gl_matvec_part(m, 0, first != 0u ? state : layer->input, first != 0u ? hidden : inputs);
  gl_matvec_part(m, 1, first != 0u ? layer->input : state, first != 0u ? inputs : hidden);
  return gl_matvec_sum(m, layer->input, inputs);
}

void gl_matvec_row(gl_matvec *m, const gl_activation *activation, int16_t *out, uint32_t values) {
  const uint32_t quads = gl_pad4(values) >> 2;
  if (activation->kind == GATELET_ACTIVATION_RELU) {
    gl_quads_relu(m, out, quads);
    if (activation->param != 32767) gl_activate_row(activation, out, values);
  } else {
    gl_quads_s16(m, out, quads);
    if (activation->kind != GATELET_ACTIVATION_LINEAR) gl_activate_row(activation, out, values);
  }
  gl_zero_tail(out, values);
}
