/* Saved state, FORMAT.md 8: a checked copy of the state region. */
#include "small.h"

#include "stream.h"

#define RESERVED_AT 28

uint32_t gatelet_saved_bytes(const gatelet_model *model) {
  return model == NULL ? 0u : GATELET_STATE_HEADER_BYTES + model->state_bytes;
}

int32_t gatelet_save(const gatelet_stream *stream, void *blob, uint32_t blob_bytes) {
  uint8_t *out = (uint8_t *)blob;
  if (stream == NULL || blob == NULL) return GATELET_STATUS_BAD_ARGUMENT;
  if (!gl_is_bound(stream)) return GATELET_STATUS_BAD_STREAM;
  const uint32_t bytes = gatelet_saved_bytes(stream->model);
  if (blob_bytes < bytes) return GATELET_STATUS_OUTPUT_TOO_SMALL;
  memset(out, 0, GATELET_STATE_HEADER_BYTES);
  memcpy(out + GATELET_STATE_HEADER_BYTES, stream->arena, stream->model->state_bytes);
  gl_set_u32(out + GATELET_SAVED_MAGIC, GATELET_STATE_MAGIC);
  gl_set_u16(out + GATELET_SAVED_VERSION, GATELET_STATE_VERSION);
  gl_set_u16(out + GATELET_SAVED_HEADER_BYTES, GATELET_STATE_HEADER_BYTES);
  gl_set_u32(out + GATELET_SAVED_BLOB_BYTES, bytes);
  gl_set_u32(out + GATELET_SAVED_MODEL_CRC, stream->model->crc);
  gl_set_u32(out + GATELET_SAVED_FRAMES, gl_u32(stream->arena + GL_FRAMES_AT));
  gl_set_u32(out + GATELET_SAVED_STATE_BYTES, stream->model->state_bytes);
  gl_set_u32(out + GATELET_SAVED_CRC_32, gl_crc32(out + 16, bytes - 16u));
  return GATELET_STATUS_OK;
}

static int all_zero(const uint8_t *at, uint32_t bytes) {
  uint32_t any = 0;
  for (; bytes != 0u; bytes--) any |= *at++;
  return any == 0u;
}

static int header_fits(const gatelet_model *model, const uint8_t *blob, uint32_t blob_bytes) {
  return blob_bytes == gatelet_saved_bytes(model) && gl_u32(blob + GATELET_SAVED_MAGIC) == GATELET_STATE_MAGIC &&
         gl_u16(blob + GATELET_SAVED_VERSION) == GATELET_STATE_VERSION &&
         gl_u16(blob + GATELET_SAVED_HEADER_BYTES) == GATELET_STATE_HEADER_BYTES &&
         gl_u32(blob + GATELET_SAVED_BLOB_BYTES) == blob_bytes &&
         gl_u32(blob + GATELET_SAVED_CRC_32) == gl_crc32(blob + 16, blob_bytes - 16u) &&
         gl_u32(blob + GATELET_SAVED_MODEL_CRC) == model->crc &&
         gl_u32(blob + GATELET_SAVED_STATE_BYTES) == model->state_bytes &&
         all_zero(blob + RESERVED_AT, GATELET_STATE_HEADER_BYTES - RESERVED_AT);
}

/* Lanes n .. pad8(n)-1 of `count` rows are zero. */
static __attribute__((unused)) int rows_fit(const uint8_t *rows, uint32_t count, uint32_t n) {
  for (; count != 0u; count--, rows += gl_row_bytes(n)) {
    if (!all_zero(rows + 2u * n, gl_row_bytes(n) - 2u * n)) return 0;
  }
  return 1;
}

static __attribute__((unused)) int masks_fit(const uint8_t *masks, uint32_t rows) {
  for (uint32_t i = 0; i < rows; i++) {
    if (masks[i] > 1u) return 0;
  }
  return all_zero(masks + rows, gl_pad16(rows) - rows);
}

/* CONV1D: rows of an even number of channels without further padding, the whole padded to 8. */
static __attribute__((unused)) int convolution_fits(const uint8_t *record, const uint8_t *state) {
  const uint32_t n = gl_u16(record + GATELET_RECORD_INPUT_SIZE), channels = gl_pad2(n), rows = gl_history_rows(record);
  for (uint32_t row = 0; row < rows && n != channels; row++) {
    if (gl_u16(state + 2u * (row * channels + n)) != 0u) return 0;
  }
  return all_zero(state + 2u * rows * channels, gl_row_bytes(rows * channels) - 2u * rows * channels);
}

/* Padding, counts and mask bytes of a kernel's state. */
static int state_fits(const uint8_t *record, const uint8_t *counters, const uint8_t *state) {
  const uint32_t n = gl_u16(record + GATELET_RECORD_INPUT_SIZE), hidden = gl_u16(record + GATELET_RECORD_OUTPUT_SIZE);
  const uint32_t taps = gl_u16(record + GATELET_RECORD_TAPS), rows_in = gl_u32(record + GATELET_RECORD_ROWS_IN);
  (void)n, (void)hidden, (void)taps, (void)rows_in, (void)counters, (void)state;
  switch (record[GATELET_RECORD_KERNEL]) {
#if GL_HAS(RNN) || GL_HAS(GRU) || GL_HAS(GRU_RESET_AFTER)
    case GATELET_KERNEL_RNN:
    case GATELET_KERNEL_GRU:
    case GATELET_KERNEL_GRU_RESET_AFTER:
      return rows_fit(state, 1, hidden);
#endif
#if GL_HAS(LSTM)
    case GATELET_KERNEL_LSTM:
      return rows_fit(state, 2, hidden);
#endif
#if GL_HAS(CONV1D)
    case GATELET_KERNEL_CONV1D:
      return convolution_fits(record, state);
#endif
#if GL_HAS(DEPTHWISE_CONV1D) || GL_HAS(POOL)
    case GATELET_KERNEL_DEPTHWISE_CONV1D:
    case GATELET_KERNEL_POOL:
      return rows_fit(state, gl_history_rows(record), n);
#endif
#if GL_HAS(GLOBAL_POOL)
    case GATELET_KERNEL_GLOBAL_POOL:
      if (record[GATELET_RECORD_MODE] != GATELET_POOL_MODE_AVERAGE) return rows_fit(state, 1, n);
      return gl_u32(state) <= gl_u32(counters + GATELET_COUNTER_SEEN) && all_zero(state + 4, 12) &&
             all_zero(state + 16u + 4u * n, 4u * (gl_pad4(n) - n));
#endif
#if GL_HAS(FIFO)
    case GATELET_KERNEL_FIFO:
      return rows_fit(state, taps, n) && masks_fit(state + taps * gl_row_bytes(n), taps);
#endif
#if GL_HAS(REVERSE)
    case GATELET_KERNEL_REVERSE:
      return rows_fit(state, rows_in, n) && masks_fit(state + rows_in * gl_row_bytes(n), rows_in);
#endif
#if GL_HAS(RESHAPE)
    case GATELET_KERNEL_RESHAPE:
      return all_zero(state + 2u * rows_in * n, gl_row_bytes(rows_in * n) - 2u * rows_in * n);
#endif
#if GL_HAS(REPEAT)
    case GATELET_KERNEL_REPEAT:
      return rows_fit(state, 1, n);
#endif
    default:
      return 1;
  }
}

/* wait, front and real */
static int waits_fit(const uint8_t *record, const uint8_t *counters) {
  const uint32_t kernel = record[GATELET_RECORD_KERNEL], taps = gl_u16(record + GATELET_RECORD_TAPS);
  const uint32_t wait = gl_u16(counters + GATELET_COUNTER_WAIT);
  const uint32_t front = gl_u16(counters + GATELET_COUNTER_FRONT), real = gl_u16(counters + GATELET_COUNTER_REAL);
  if (gl_is_windowed(kernel)) {
    const uint32_t first = gl_history_rows(record) - gl_u16(record + GATELET_RECORD_PAD_LEFT);
    const uint32_t stride = gl_u16(record + GATELET_RECORD_STRIDE);
    if (wait == 0u || wait > (first > stride ? first : stride)) return 0;
  } else if (wait != 0u) {
    return 0;
  }
  if (GL_HAS(FIFO) && kernel == GATELET_KERNEL_FIFO) return front < taps && real <= taps;
  if (GL_HAS(POOL) && kernel == GATELET_KERNEL_POOL && record[GATELET_RECORD_MODE] == GATELET_POOL_MODE_AVERAGE) {
    return front <= taps && real <= taps - front;
  }
  return front == 0u && real == 0u;
}

/* seen and emitted agree along the graph, so that no layer ever takes more rows than it has room for. */
static int counts_fit(const gatelet_model *model, const uint8_t *record, const uint8_t *all, uint32_t index) {
  const uint8_t *counters = all + GATELET_STREAM_HEADER_BYTES + GATELET_COUNTER_BYTES * index;
  const uint32_t seen = gl_u32(counters + GATELET_COUNTER_SEEN);
  const uint32_t emitted = gl_u32(counters + GATELET_COUNTER_EMITTED);
  if (gl_u16(counters + GATELET_COUNTER_FRESH) != 0u) return 0;
  if (model->window == 0u) return seen == 0u && emitted == 0u;
  if (index == 0u) return seen == gl_u32(all + GL_FRAMES_AT) && emitted == seen;
  const uint8_t *source =
      all + GATELET_STREAM_HEADER_BYTES + GATELET_COUNTER_BYTES * gl_u16(record + GATELET_RECORD_INPUT_0);
  return seen == gl_u32(source + GATELET_COUNTER_EMITTED) && emitted <= gl_u32(record + GATELET_RECORD_ROWS_OUT);
}

static int region_fits(const gatelet_model *model, const uint8_t *region) {
  const uint32_t frames = gl_u32(region + GL_FRAMES_AT), count = model->record_count;
  const uint32_t used = GATELET_STREAM_HEADER_BYTES + GATELET_COUNTER_BYTES * count;
  if (gl_u32(region + GL_TAG_AT) != model->crc || (model->window != 0u && frames >= model->window)) return 0;
  if (!all_zero(region + used, gl_pad16(used) - used)) return 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *record = model->records + GATELET_RECORD_BYTES * i;
    const uint8_t *counters = region + GATELET_STREAM_HEADER_BYTES + GATELET_COUNTER_BYTES * i;
    if (!counts_fit(model, record, region, i) || !waits_fit(record, counters)) return 0;
    if (!state_fits(record, counters, region + gl_u32(record + GATELET_RECORD_STATE))) return 0;
  }
  return 1;
}

int32_t gatelet_restore(gatelet_stream *stream, const void *blob, uint32_t blob_bytes) {
  const uint8_t *in = (const uint8_t *)blob;
  if (stream == NULL || blob == NULL) return GATELET_STATUS_BAD_ARGUMENT;
  if (!gl_is_bound(stream)) return GATELET_STATUS_BAD_STREAM;
  const uint8_t *region = in + GATELET_STATE_HEADER_BYTES;
  if (!header_fits(stream->model, in, blob_bytes)) return GATELET_STATUS_BAD_STATE;
  if (gl_u32(in + GATELET_SAVED_FRAMES) != gl_u32(region + GL_FRAMES_AT)) return GATELET_STATUS_BAD_STATE;
  if (!region_fits(stream->model, region)) return GATELET_STATUS_BAD_STATE;
  memcpy(stream->arena, region, stream->model->state_bytes);
  return GATELET_STATUS_OK;
}
