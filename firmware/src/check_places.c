/* Where a record's tensors, state, rows and scratch lie, FORMAT.md 3, 5. Fields and sizes are checked already. */
#include "small.h"

#include "check.h"

#define R8(field) ((uint32_t)r[GATELET_RECORD_##field])
#define R16(field) gl_u16(r + GATELET_RECORD_##field)
#define R32(field) gl_u32(r + GATELET_RECORD_##field)

GL_INLINE uint32_t block_bytes(const uint8_t *r, uint32_t columns) {
  return GATELET_INT4 && R8(BITS) == 4u ? 2u * gl_pad8(columns) : 4u * gl_pad4(columns);
}

gl_needs gl_needs_of(const uint8_t *r) {
  const uint32_t inputs = R16(INPUT_SIZE), outputs = R16(OUTPUT_SIZE), taps = R16(TAPS), rows = R32(ROWS_IN);
  const uint32_t row_in = gl_row_bytes(inputs), row_out = gl_row_bytes(outputs), quads = gl_pad4(outputs) >> 2;
  const uint32_t averages = R8(MODE) == GATELET_POOL_MODE_AVERAGE;
  const uint32_t both = block_bytes(r, inputs) + block_bytes(r, outputs);
  gl_needs n;
  memset(&n, 0, sizeof n);
  /* whatever is built in */
  (void)taps, (void)rows, (void)averages, (void)both, (void)row_out, (void)quads;
  switch (R8(KERNEL)) {
#if GL_HAS(INPUT)
    case GATELET_KERNEL_INPUT:
      n.aux = GATELET_AFFINE_ENTRY_BYTES * inputs + ((R8(FLAGS) & GATELET_FLAG_MASK_SET) != 0u ? row_in : 0u);
      break;
#endif
#if GL_HAS(EMBEDDING)
    case GATELET_KERNEL_EMBEDDING:
      n.weights = R32(VOCABULARY) * gl_pad16(outputs);
      n.aux = gl_pad16(2u * R32(VOCABULARY));
      break;
#endif
#if GL_HAS(RNN)
    case GATELET_KERNEL_RNN:
      n.state = n.scratch = row_out;
      n.weights = quads * both;
      n.quads = quads;
      break;
#endif
#if GL_HAS(LSTM)
    case GATELET_KERNEL_LSTM:
      n.state = 2u * row_out;
      n.scratch = row_out;
      n.weights = outputs * both;
      n.quads = outputs;
      break;
#endif
#if GL_HAS(GRU)
    case GATELET_KERNEL_GRU:
      n.state = row_out;
      n.scratch = 2u * row_out;
      n.weights = 3u * quads * both;
      n.quads = 3u * quads;
      break;
#endif
#if GL_HAS(GRU_RESET_AFTER)
    case GATELET_KERNEL_GRU_RESET_AFTER:
      n.state = n.scratch = row_out;
      n.weights = 3u * quads * both;
      n.quads = 4u * quads;
      break;
#endif
#if GL_HAS(DENSE)
    case GATELET_KERNEL_DENSE:
      n.weights = quads * block_bytes(r, inputs);
      n.quads = quads;
      break;
#endif
#if GL_HAS(CONV1D)
    case GATELET_KERNEL_CONV1D:
      n.state = gl_row_bytes(gl_history_rows(r) * gl_pad2(inputs));
      n.scratch = R16(DILATION) > 1u ? gl_row_bytes(taps * gl_pad2(inputs)) : 0u;
      n.weights = quads * block_bytes(r, taps * gl_pad2(inputs));
      n.quads = quads;
      break;
#endif
#if GL_HAS(DEPTHWISE_CONV1D)
    case GATELET_KERNEL_DEPTHWISE_CONV1D:
      n.state = gl_history_rows(r) * row_in;
      n.weights = taps * gl_pad16(outputs);
      n.quads = quads;
      break;
#endif
#if GL_HAS(POOL)
    case GATELET_KERNEL_POOL:
      n.state = taps * row_in;
      n.aux = averages != 0u ? gl_pad16(4u * (taps + 1u)) : 0u;
      break;
#endif
#if GL_HAS(GLOBAL_POOL)
    case GATELET_KERNEL_GLOBAL_POOL:
      n.state = averages != 0u ? 16u + 4u * gl_pad4(inputs) : row_in;
      n.aux = (R8(FLAGS) & GATELET_FLAG_MASK_OBEY) != 0u ? gl_pad16(4u * (rows + 1u)) : 0u;
      break;
#endif
#if GL_HAS(AFFINE)
    case GATELET_KERNEL_AFFINE:
      n.aux = GATELET_AFFINE_ENTRY_BYTES * inputs;
      break;
#endif
#if GL_HAS(PRELU) || GL_HAS(MASK)
    case GATELET_KERNEL_PRELU:
    case GATELET_KERNEL_MASK:
      n.aux = row_in;
      break;
#endif
#if GL_HAS(LAYER_NORM)
    case GATELET_KERNEL_LAYER_NORM:
      n.aux = 16u + GATELET_AFFINE_ENTRY_BYTES * inputs;
      break;
#endif
#if GL_HAS(SOFTMAX)
    case GATELET_KERNEL_SOFTMAX:
      n.scratch = 4u * gl_pad4(inputs);
      break;
#endif
#if GL_HAS(FIFO)
    case GATELET_KERNEL_FIFO:
      n.state = taps * row_in + gl_pad16(taps);
      break;
#endif
#if GL_HAS(REVERSE)
    case GATELET_KERNEL_REVERSE:
      n.state = rows * row_in + gl_pad16(rows);
      break;
#endif
#if GL_HAS(RESHAPE)
    case GATELET_KERNEL_RESHAPE:
      n.state = gl_row_bytes(rows * inputs);
      break;
#endif
#if GL_HAS(REPEAT)
    case GATELET_KERNEL_REPEAT:
      n.state = row_in;
      break;
#endif
    default:
      break;
  }
  return n;
}

/* [at, at + bytes) inside [from, to), 16-aligned */
static int inside(uint32_t at, uint32_t bytes, uint32_t from, uint32_t to) {
  return (at & 15u) == 0u && at >= from && at <= to && bytes <= to - at;
}

static int32_t check_tensor(const gl_check_context *c, uint32_t at, uint32_t bytes) {
  if (bytes == 0u) return at == 0u ? GATELET_STATUS_OK : GATELET_STATUS_BAD_RECORD;
  return inside(at, bytes, c->tensors_begin, c->tensors_end) ? GATELET_STATUS_OK : GATELET_STATUS_BAD_TENSOR;
}

static int32_t check_tensors(const gl_check_context *c, const uint8_t *r, const gl_needs *n) {
  const uint32_t table = R8(ACTIVATION) == GATELET_ACTIVATION_TABLE ? GATELET_TABLE_BYTES : 0u;
  const uint32_t gate_table = R8(GATE_ACTIVATION) == GATELET_ACTIVATION_TABLE ? GATELET_TABLE_BYTES : 0u;
  int32_t status = check_tensor(c, R32(WEIGHTS), n->weights);
  if (status == GATELET_STATUS_OK) status = check_tensor(c, R32(ROW_PARAMS), GATELET_ROW_PARAM_BYTES * n->quads);
  if (status == GATELET_STATUS_OK) status = check_tensor(c, R32(TABLE), table);
  if (status == GATELET_STATUS_OK) status = check_tensor(c, R32(GATE_TABLE), gate_table);
  if (status == GATELET_STATUS_OK) status = check_tensor(c, R32(AUX), n->aux);
  if (status == GATELET_STATUS_OK && GL_HAS(LAYER_NORM) && R8(KERNEL) == GATELET_KERNEL_LAYER_NORM) {
    const int64_t epsilon = gl_s64(c->bytes + R32(AUX));
    if (epsilon < 1 || epsilon > (int64_t)1 << 61) return GATELET_STATUS_BAD_TENSOR;
  }
  return status;
}

int32_t gl_check_places(gl_check_context *c, uint32_t index) {
  const uint8_t *r = gl_record_at(c, index);
  const gl_needs n = gl_needs_of(r);
  const uint32_t state = R32(STATE), first = gl_pad16(GATELET_STREAM_HEADER_BYTES + GATELET_COUNTER_BYTES * c->record_count);
  const int32_t status = check_tensors(c, r, &n);
  if (status != GATELET_STATUS_OK) return status;
  if (R32(STATE_BYTES) != n.state || R32(SCRATCH_BYTES) != n.scratch || (n.state == 0u && state != 0u) ||
      (n.scratch == 0u && R32(SCRATCH) != 0u)) {
    return GATELET_STATUS_BAD_RECORD;
  }
  if (n.state != 0u) {
    if (!inside(state, n.state, first, c->state_bytes)) return GATELET_STATUS_BAD_ARENA;
    if (state < c->state_end) return GATELET_STATUS_BAD_OVERLAP;
    c->state_end = state + n.state;
  }
  const int fits = gl_is_state_output(R8(KERNEL))
                       ? R32(OUTPUT) == state
                       : inside(R32(OUTPUT), gl_output_bytes(r), c->state_bytes, c->arena_bytes);
  if (!fits) return GATELET_STATUS_BAD_ARENA;
  if (n.scratch != 0u && !inside(R32(SCRATCH), n.scratch, c->state_bytes, c->arena_bytes)) {
    return GATELET_STATUS_BAD_ARENA;
  }
  return GATELET_STATUS_OK;
}

static int meets(uint32_t a, uint32_t a_bytes, uint32_t b, uint32_t b_bytes) {
  return a < b + b_bytes && b < a + a_bytes && a_bytes != 0u && b_bytes != 0u;
}

/* Bytes of a record's row in the scratch part of the arena. */
static uint32_t row_in_scratch(const uint8_t *r) { return gl_is_state_output(R8(KERNEL)) ? 0u : gl_output_bytes(r); }

/* Whether record k reads row j. */
static int reads(const uint8_t *r, uint32_t j) { return R16(INPUT_0) == j || R16(INPUT_1) == j; }

int32_t gl_check_liveness(const gl_check_context *c) {
  for (uint32_t j = 0; j < c->record_count; j++) {
    const uint8_t *r = gl_record_at(c, j);
    const uint32_t at = R32(OUTPUT), bytes = row_in_scratch(r);
    uint32_t last = c->record_count - 1u;
    if (meets(at, bytes, R32(SCRATCH), R32(SCRATCH_BYTES))) return GATELET_STATUS_BAD_OVERLAP;
    while (last > j && !reads(gl_record_at(c, last), j)) last--;
    for (uint32_t k = j + 1u; k <= last; k++) {
      const uint8_t *other = gl_record_at(c, k);
      if (meets(at, bytes, gl_u32(other + GATELET_RECORD_OUTPUT), row_in_scratch(other)) ||
          meets(at, bytes, gl_u32(other + GATELET_RECORD_SCRATCH), gl_u32(other + GATELET_RECORD_SCRATCH_BYTES))) {
        return GATELET_STATUS_BAD_OVERLAP;
      }
    }
  }
  return GATELET_STATUS_OK;
}
