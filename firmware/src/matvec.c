/* Setting up rows of weights, KERNELS.md 3; the loops are in matvec_portable.c and matvec_cortex_m4.S. */
#include "matvec.h"

/* Units of 4 columns that the blocks of one part cover. */
GL_INLINE uint32_t units_of(const gl_matvec *m, uint32_t columns) {
  return m->bits == 8u ? gl_pad4(columns) >> 2 : gl_pad8(columns) >> 2;
}

static void begin(gl_matvec *m, const gl_layer *layer) {
  m->bits = GL_U8(layer, BITS);
  m->params = GL_TENSOR(layer, ROW_PARAMS);
  m->weights = gl_weights_of(layer);
#if !GATELET_CORTEX_M4
  m->params_skip = 0;
#endif
}

#if GATELET_CORTEX_M4

GL_STATIC_ASSERT(offsetof(gl_matvec, first) == sizeof(gl_second_part), "layout of gl_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_matvec, second.rounds) == GL_M4_SECOND_ROUNDS, "layout of gl_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_matvec, first.rounds) == GL_M4_FIRST_ROUNDS, "layout of gl_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_matvec, params) == GL_M4_PARAMS, "layout of gl_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_matvec, weights) == GL_M4_WEIGHTS, "layout of gl_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_matvec, bits) == GL_M4_BITS, "layout of gl_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_gated_matvec, units.fused.table) == GL_M4_TANH_TABLE, "layout of gl_gated_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_gated_matvec, units.fused.cell) == GL_M4_CELL, "layout of gl_gated_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_gated_matvec, units.fused.cell_shift) == GL_M4_CELL_SHIFT, "layout of gl_gated_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_after_matvec, table) == GL_M4_TANH_TABLE, "layout of gl_after_matvec");
GL_STATIC_ASSERT(GL_M4_OFFSET(gl_after_matvec, cell) == GL_M4_CELL, "layout of gl_after_matvec");
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

/* The first or second part over a row of `columns` values; returns their sum as quads see it: up to the pad of the blocks. */
static uint32_t set_part(gl_matvec *m, int second, const int16_t *x, uint32_t columns) {
  const uint32_t units = units_of(m, columns);
  /* units of the first round that are jumped over */
  const uint32_t skipped = (0u - units) & 7u;
  const uint32_t rounds = ((units + skipped - 8u) << 5) & ~0xffu;
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
  if (second) {
    m->second.x = part.x;
    m->second.step_back = part.step_back;
    m->second.entry = part.entry;
    m->second.rounds = rounds;
  } else {
    m->first.x = part.x;
    m->first.step_back = part.step_back;
    m->first.entry = part.entry;
    m->first.extra = 0;
    m->first.rounds = rounds | GL_M4_HAS_SECOND;
  }
  return gl_m4_sum(x, units, 0);
}

#if GL_HAS_GRU
uint32_t gl_matvec_sum(const gl_matvec *m, const int16_t *x, uint32_t columns) {
  return gl_m4_sum(x, units_of(m, columns), 0);
}
#endif

#else

static uint32_t set_part(gl_matvec *m, int second, const int16_t *x, uint32_t columns) {
  gl_part *part = second ? &m->second : &m->first;
  part->x = x;
  part->units = units_of(m, columns);
  return gl_matvec_sum(m, x, columns);
}

uint32_t gl_matvec_sum(const gl_matvec *m, const int16_t *x, uint32_t columns) {
  const int16_t *end = x + 4u * units_of(m, columns);
  int32_t sum = 0;
  for (; x != end; x++) sum = gl_add(sum, *x);
  return (uint32_t)sum;
}

#endif

#if GL_HAS_OVER
void gl_matvec_over(const gl_layer *layer, const int16_t *x, uint32_t columns) {
#if GATELET_CORTEX_M4
  gl_alone alone;
  gl_m4_row(layer, x, columns, gl_m4_sum(x, gl_pad4(columns) >> 2, 0), &alone);
#else
  gl_matvec m;
  begin(&m, layer);
  m.weights_skip = 0;
  gl_matvec_use_first(&m, set_part(&m, 0, x, columns));
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

#if GL_HAS_RECURRENT
gl_sums_pair gl_matvec_recurrent(gl_matvec *m, const gl_layer *layer) {
  const int swapped = GL_U8(layer, RECURRENT_FIRST) != 0u;
  begin(m, layer);
#if GATELET_CORTEX_M4
  m->second.shift = GL_U8(layer, ALIGN_SHIFT);
#else
  m->shift = GL_U8(layer, ALIGN_SHIFT);
  m->uses_second = 1;
  m->weights_skip = 0;
#endif
  const uint32_t input = set_part(m, swapped, layer->input, GL_U16(layer, INPUT_SIZE));
  const uint32_t state = set_part(m, !swapped, GL_ARENA(layer, STATE), GL_U16(layer, OUTPUT_SIZE));
  gl_matvec_sums_of(m, layer, input, state);
  return (gl_sums_pair)state << 32 | input;
}
#endif

#if GL_HAS_OVER || GL_HAS(RNN)
/* Whether quads did the activation. */
GL_INLINE int is_activated(const gl_layer *layer) {
  const uint32_t kind = GL_U8(layer, ACTIVATION);
  return kind == GATELET_ACTIVATION_LINEAR ||
         (kind == GATELET_ACTIVATION_RELU && GL_S16(layer, ACTIVATION_PARAM) == 32767);
}
#endif

#if GL_HAS_OVER
GL_NOINLINE int finish_activated(const gl_layer *layer) {
  gl_activate(layer, 0, GL_ARENA(layer, OUTPUT), GL_U16(layer, OUTPUT_SIZE));
  return gl_emit_row(layer);
}

int gl_matvec_finish(const gl_layer *layer) {
  return is_activated(layer) ? gl_emit_row(layer) : finish_activated(layer);
}
#endif

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
  if (!is_activated(layer)) gl_activate(layer, 0, out, GL_U16(layer, OUTPUT_SIZE));
}
#endif
