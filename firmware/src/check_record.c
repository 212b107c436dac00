/* Checks of one record, FORMAT.md 4, 5: fields in use, ranges, sizes. All failures are BAD_RECORD or UNKNOWN_KERNEL. */
#include "small.h"

#include "check.h"

#define R8(field) ((uint32_t)r[GATELET_RECORD_##field])
#define R16(field) gl_u16(r + GATELET_RECORD_##field)
#define R32(field) gl_u32(r + GATELET_RECORD_##field)
/* never of what is not built in: such records are refused before anything looks closer */
#define IS(name) (GL_HAS(name) && kernel == GATELET_KERNEL_##name)
#define RESERVED_AT 91

static const uint8_t FLAGS_OF[] = GATELET_KERNEL_FLAGS;
static const uint16_t GROUPS_OF[] = GATELET_KERNEL_GROUPS;

/* Bytes of each group of fields, in the order of the group bits; input1, whose unused value is not zero, apart. */
static const uint8_t GROUP_BYTES[][2] = {
    {GATELET_RECORD_ACTIVATION, 1},       {GATELET_RECORD_GATE_ACTIVATION, 1}, {GATELET_RECORD_BITS, 1},
    {GATELET_RECORD_RECURRENT_FIRST, 2},  {GATELET_RECORD_SHIFT, 1},           {GATELET_RECORD_MULTIPLIER, 4},
    {GATELET_RECORD_TAPS, 2},             {GATELET_RECORD_STRIDE, 2},          {GATELET_RECORD_DILATION, 2},
    {GATELET_RECORD_MULTIPLIER_A, 8},     {GATELET_RECORD_DEPTH_MULTIPLIER, 2}, {GATELET_RECORD_MODE, 1},
    {GATELET_RECORD_VOCABULARY, 4},
};
GL_STATIC_ASSERT(GATELET_FIELD_GROUP_INPUT1 == 1 && GATELET_FIELD_GROUP_ACTIVATION == 2 &&
                     GATELET_FIELD_GROUP_VOCABULARY == 8192,
                 "GROUP_BYTES has the order of the group bits");

static int unused_fields_fit(const uint8_t *r, uint32_t kernel) {
  const uint32_t groups = GROUPS_OF[kernel];
  uint32_t any = R16(GATE_PARAM) | r[RESERVED_AT] | (R8(FLAGS) & ~(uint32_t)FLAGS_OF[kernel]);
  for (uint32_t group = 0; group < sizeof GROUP_BYTES / sizeof GROUP_BYTES[0]; group++) {
    if (((groups >> (group + 1u)) & 1u) != 0u) continue;
    for (uint32_t i = 0; i < GROUP_BYTES[group][1]; i++) any |= r[GROUP_BYTES[group][0] + i];
  }
  if ((groups & GATELET_FIELD_GROUP_STRIDE) == 0u) any |= R16(PAD_LEFT);
  if ((groups & GATELET_FIELD_GROUP_INPUT1) == 0u) any |= R16(INPUT_1) ^ GATELET_NO_INPUT;
  return any == 0u;
}

static int activations_fit(const uint8_t *r, uint32_t groups) {
  const uint32_t kind = R8(ACTIVATION), gate = R8(GATE_ACTIVATION), param = R16(ACTIVATION_PARAM);
  const int has_param = kind == GATELET_ACTIVATION_RELU || kind == GATELET_ACTIVATION_LEAKY;
  if (kind > GATELET_ACTIVATION_LEAKY || (has_param ? param > 32767u : param != 0u)) return 0;
  if ((groups & GATELET_FIELD_GROUP_GATE) == 0u) return 1;
  return (gate >= GATELET_ACTIVATION_TANH && gate <= GATELET_ACTIVATION_HARD_SIGMOID) ||
         gate == GATELET_ACTIVATION_TABLE;
}

static int in_4096(uint32_t value) { return value - 1u < 4096u; }

static int parameters_fit(const uint8_t *r, uint32_t kernel, uint32_t groups) {
  const uint32_t bits = R8(BITS);
  if ((groups & GATELET_FIELD_GROUP_BITS) != 0u && bits != 8u) {
    if (bits != 4u || IS(EMBEDDING) || IS(DEPTHWISE_CONV1D)) return 0;
  }
  if (R8(RECURRENT_FIRST) > 1u || R8(ALIGN_SHIFT) > 15u || R8(SHIFT) > (IS(LSTM) ? 15u : 30u)) return 0;
  if (IS(SOFTMAX) && R32(MULTIPLIER) > 0x7fffffffu) return 0;
  if (IS(EMBEDDING) && R32(VOCABULARY) - 1u >= GATELET_LIMIT_VOCABULARY) return 0;
  if (R8(MODE) > (IS(MERGE) ? (uint32_t)GATELET_MERGE_MODE_MINIMUM : (uint32_t)GATELET_POOL_MODE_AVERAGE)) return 0;
  if (R32(MULTIPLIER_A) + 32768u > 65535u || R32(MULTIPLIER_B) + 32768u > 65535u) return 0;
  if ((groups & GATELET_FIELD_GROUP_TAPS) != 0u && !in_4096(R16(TAPS))) return 0;
  if ((groups & GATELET_FIELD_GROUP_STRIDE) != 0u && !in_4096(R16(STRIDE))) return 0;
  return (groups & GATELET_FIELD_GROUP_DILATION) == 0u || in_4096(R16(DILATION));
}

/* History of windowed kernels, and in window models that the last window sees a real row. */
static int window_fits(const uint8_t *r, uint32_t kernel, uint32_t window) {
  const uint32_t depth = gl_history_rows(r);
  if (!IS(POOL)) {
    if (depth > GATELET_LIMIT_HISTORY_ROWS) return 0;
    /* at most 65535 * 65536, below 2^32 */
    if (depth * gl_pad2(R16(INPUT_SIZE)) > GATELET_LIMIT_HISTORY_VALUES) return 0;
  }
  if (R16(PAD_LEFT) >= depth) return 0;
  if (window == 0u) return 1;
  return depth - R16(PAD_LEFT) + (R32(ROWS_OUT) - 1u) * R16(STRIDE) <= R32(ROWS_IN) + depth - 1u;
}

static int sizes_fit(const gl_check_context *c, const uint8_t *r, uint32_t kernel) {
  const uint32_t inputs = R16(INPUT_SIZE), outputs = R16(OUTPUT_SIZE), others = R16(DEPTH_MULTIPLIER);
  if (inputs == 0u || outputs == 0u) return 0;
  if (kernel <= GATELET_KERNEL_DEPTHWISE_CONV1D && outputs > GATELET_LIMIT_ROW_SIZE) return 0;
  if (IS(DEPTHWISE_CONV1D)) return outputs == inputs * others;
  if (kernel < GATELET_KERNEL_POOL) return 1;
  if (IS(RESHAPE)) {
    /* at most 65535 * 65535, below 2^32 */
    const uint32_t values = R32(ROWS_IN) * inputs;
    return values == R32(ROWS_OUT) * outputs && values <= GATELET_LIMIT_RESHAPE_VALUES;
  }
  if (IS(MERGE)) {
    const uint32_t second = gl_u16(gl_record_at(c, R16(INPUT_1)) + GATELET_RECORD_OUTPUT_SIZE);
    if (others != second) return 0;
    if (R8(MODE) == GATELET_MERGE_MODE_CONCAT) return outputs == inputs + others;
    if (others != inputs) return 0;
  }
  if ((IS(LAYER_NORM) || IS(SOFTMAX)) && inputs > GATELET_LIMIT_ROW_SIZE) return 0;
  return outputs == inputs;
}

static int rows_fit(const uint8_t *r, uint32_t kernel, uint32_t window) {
  const uint32_t rows_in = R32(ROWS_IN), rows_out = R32(ROWS_OUT);
  const uint32_t last = R8(FLAGS) & GATELET_FLAG_LAST;
  if (window == 0u) {
    return (rows_in | rows_out) == 0u && !(last != 0u && kernel <= GATELET_KERNEL_GRU_RESET_AFTER) &&
           !IS(GLOBAL_POOL) && !IS(REVERSE) && !IS(RESHAPE) && !IS(REPEAT);
  }
  if (rows_in - 1u >= GATELET_LIMIT_ROWS || rows_out - 1u >= GATELET_LIMIT_ROWS) return 0;
  if (IS(GLOBAL_POOL)) {
    if (R8(MODE) == GATELET_POOL_MODE_AVERAGE && rows_in > GATELET_LIMIT_AVERAGE_ROWS) return 0;
    return rows_out == 1u;
  }
  if (IS(REPEAT)) return rows_in == 1u;
  if (IS(RESHAPE) || gl_is_windowed(kernel)) return 1;
  if (IS(REVERSE) && rows_in * R16(INPUT_SIZE) > GATELET_LIMIT_REVERSE_VALUES) return 0;
  return rows_out == (last != 0u ? 1u : rows_in);
}

static int inputs_fit(const gl_check_context *c, const uint8_t *r, uint32_t kernel, uint32_t index) {
  if (index == 0u) {
    return kernel <= GATELET_KERNEL_EMBEDDING && R16(INPUT_0) == GATELET_NO_INPUT && R32(ROWS_IN) == c->window &&
           R16(INPUT_SIZE) == (IS(EMBEDDING) ? 1u : R16(OUTPUT_SIZE));
  }
  if (kernel <= GATELET_KERNEL_EMBEDDING || R16(INPUT_0) >= index) return 0;
  const uint8_t *first = gl_record_at(c, R16(INPUT_0));
  if (R16(INPUT_SIZE) != gl_u16(first + GATELET_RECORD_OUTPUT_SIZE)) return 0;
  if (R32(ROWS_IN) != gl_u32(first + GATELET_RECORD_ROWS_OUT)) return 0;
  if (!IS(MERGE) && !IS(FIFO)) return 1;
  if (R16(INPUT_1) >= index) return 0;
  return gl_u32(gl_record_at(c, R16(INPUT_1)) + GATELET_RECORD_ROWS_OUT) == R32(ROWS_IN);
}

static int flags_fit(const gl_check_context *c, const uint8_t *r, uint32_t kernel, uint32_t index) {
  const uint32_t flags = R8(FLAGS);
  if ((flags & GATELET_FLAG_OUT32) != 0u) {
    if (index != c->record_count - 1u) return 0;
    if (R8(ACTIVATION) != GATELET_ACTIVATION_LINEAR && R8(ACTIVATION) != GATELET_ACTIVATION_RELU) return 0;
  }
  return !(IS(GLOBAL_POOL) && (flags & GATELET_FLAG_MASK_OBEY) != 0u && R8(MODE) != GATELET_POOL_MODE_AVERAGE);
}

int32_t gl_check_record(const gl_check_context *c, uint32_t index) {
  const uint8_t *r = gl_record_at(c, index);
  const uint32_t kernel = R8(KERNEL);
  if (kernel > GATELET_KERNEL_MASK || (((uint32_t)GATELET_KERNELS >> kernel) & 1u) == 0u) {
    return GATELET_STATUS_UNKNOWN_KERNEL;
  }
  const uint32_t groups = GROUPS_OF[kernel];
  if (!unused_fields_fit(r, kernel) || !activations_fit(r, groups) || !parameters_fit(r, kernel, groups) ||
      !inputs_fit(c, r, kernel, index) || !rows_fit(r, kernel, c->window) || !sizes_fit(c, r, kernel) ||
      !flags_fit(c, r, kernel, index) || (gl_is_windowed(kernel) && !window_fits(r, kernel, c->window))) {
    return GATELET_STATUS_BAD_RECORD;
  }
#if !GATELET_INT4
  if (R8(BITS) == 4u) return GATELET_STATUS_UNKNOWN_KERNEL;
#endif
  return GATELET_STATUS_OK;
}
