/* A stream's life beside stepping: bind, reset, describe. */
#include "small.h"

#include "stream.h"

/* History and running maxima begin below every value; padding lanes stay zero. */
static void fill_lowest(int16_t *rows, uint32_t count, uint32_t n) {
  for (; count != 0u; count--, rows += gl_pad8(n)) {
    for (uint32_t i = 0; i < n; i++) rows[i] = -32768;
  }
}

/* The special starts of KERNELS.md 5. */
static void start_layer(const uint8_t *record, uint8_t *counters, uint8_t *arena) {
  const uint32_t kernel = record[GATELET_RECORD_KERNEL];
  const int is_global_pool = GL_HAS(GLOBAL_POOL) && kernel == GATELET_KERNEL_GLOBAL_POOL;
  if (!gl_is_windowed(kernel) && !is_global_pool) return;
  const uint32_t n = gl_u16(record + GATELET_RECORD_INPUT_SIZE), taps = gl_u16(record + GATELET_RECORD_TAPS);
  const int averages = record[GATELET_RECORD_MODE] == GATELET_POOL_MODE_AVERAGE;
  int16_t *state = (int16_t *)(void *)(arena + gl_u32(record + GATELET_RECORD_STATE));
  if (is_global_pool) {
    if (!averages) fill_lowest(state, 1, n);
    return;
  }
  gl_set_u16(counters + GATELET_COUNTER_WAIT, gl_history_rows(record) - gl_u16(record + GATELET_RECORD_PAD_LEFT));
  if (!GL_HAS(POOL) || kernel != GATELET_KERNEL_POOL) return;
  if (averages) {
    gl_set_u16(counters + GATELET_COUNTER_FRONT, taps);
  } else {
    fill_lowest(state, taps, n);
  }
}

void gl_reset(const gatelet_model *model, uint8_t *arena) {
  const uint8_t *record = model->records;
  uint8_t *counters = arena + GATELET_STREAM_HEADER_BYTES;
  memset(arena, 0, model->state_bytes);
  gl_set_u32(arena + GL_TAG_AT, model->crc);
  for (uint32_t i = 0; i < model->record_count; i++) {
    start_layer(record, counters, arena);
    record += GATELET_RECORD_BYTES;
    counters += GATELET_COUNTER_BYTES;
  }
}

int32_t gatelet_init(gatelet_stream *stream, const gatelet_model *model, void *arena, uint32_t arena_bytes) {
  if (stream == NULL || model == NULL || model->bytes == NULL || arena == NULL) return GATELET_STATUS_BAD_ARGUMENT;
  if (((uintptr_t)arena & 15u) != 0u) return GATELET_STATUS_BAD_ALIGNMENT;
  if (arena_bytes < model->arena_bytes) return GATELET_STATUS_ARENA_TOO_SMALL;
  stream->model = model;
  stream->arena = (uint8_t *)arena;
  gl_reset(model, stream->arena);
  return GATELET_STATUS_OK;
}

int32_t gatelet_reset(gatelet_stream *stream) {
  if (stream == NULL) return GATELET_STATUS_BAD_ARGUMENT;
  if (!gl_is_bound(stream)) return GATELET_STATUS_BAD_STREAM;
  gl_reset(stream->model, stream->arena);
  return GATELET_STATUS_OK;
}

uint32_t gatelet_row_bytes(const gatelet_model *model) {
  return (uint32_t)model->output_size << (model->output_type == GATELET_OUTPUT_TYPE_INT32 ? 2 : 1);
}

int32_t gatelet_describe(const gatelet_model *model, uint32_t layer, gatelet_layer_info *info) {
  if (model == NULL || info == NULL || layer >= model->record_count) return GATELET_STATUS_BAD_ARGUMENT;
  const uint8_t *record = model->records + GATELET_RECORD_BYTES * layer;
  info->kernel = record[GATELET_RECORD_KERNEL];
  info->bits = record[GATELET_RECORD_BITS];
  info->input = (uint16_t)gl_u16(record + GATELET_RECORD_INPUT_0);
  info->input_size = (uint16_t)gl_u16(record + GATELET_RECORD_INPUT_SIZE);
  info->output_size = (uint16_t)gl_u16(record + GATELET_RECORD_OUTPUT_SIZE);
  info->rows_in = gl_u32(record + GATELET_RECORD_ROWS_IN);
  info->rows_out = gl_u32(record + GATELET_RECORD_ROWS_OUT);
  info->state_bytes = gl_u32(record + GATELET_RECORD_STATE_BYTES);
  info->scratch_bytes = gl_u32(record + GATELET_RECORD_SCRATCH_BYTES);
  return GATELET_STATUS_OK;
}

const char *gatelet_status_name(int32_t status) {
  static const char *const names[] = {
#define GL_STATUS_NAME(name, text) #name,
      GATELET_STATUS_LIST(GL_STATUS_NAME)
#undef GL_STATUS_NAME
  };
  const uint32_t index = 0u - (uint32_t)status;
  return index < sizeof names / sizeof names[0] ? names[index] : "UNKNOWN";
}
