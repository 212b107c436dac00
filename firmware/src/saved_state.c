/* Saved state, FORMAT.md 8: a checked copy of the state region. */
#include "small.h"

#include "rules.h"

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

static int all_zero(const uint8_t *at, const uint8_t *end) {
  uint32_t any = 0;
  while (at != end) any |= *at++;
  return any == 0u;
}

/* The state of one record, as its rules describe it: rows, mask bytes of 0 or 1, free bytes; all else is zero. */
static int contents_fit(const uint32_t *words, const uint8_t *at, uint32_t bytes) {
  const uint8_t *end = at + bytes;
  const uint32_t stride = words[GL_WORD_STRIDE];
  for (uint32_t row = words[GL_WORD_REPEAT]; row != 0u; row--, at += stride) {
    if (!all_zero(at + words[GL_WORD_USED], at + stride)) return 0;
  }
  for (uint32_t flag = words[GL_WORD_FLAGS_BYTES]; flag != 0u; flag--) {
    if (*at++ > 1u) return 0;
  }
  return all_zero(at + words[GL_WORD_FREE_BYTES], end);
}

static int blob_fits(const gatelet_model *model, const uint8_t *blob, uint32_t blob_bytes) {
  const uint8_t *region = blob + GATELET_STATE_HEADER_BYTES;
  gl_rule_state state;
  if (blob_bytes != gatelet_saved_bytes(model)) return 0;
  gl_rules_begin(&state, model->bytes);
  state.places[GL_WORD_OTHER] = blob;
  state.words[GL_WORD_LENGTH] = blob_bytes;
  state.words[GL_WORD_CRC] = gl_crc32(blob + 16, blob_bytes - 16u);
  if (gl_rules_run(&state, gl_saved_rules) != GATELET_STATUS_OK) return 0;
  const uint8_t *record = model->records;
  for (uint32_t i = 0; i < model->record_count; i++, record += GATELET_RECORD_BYTES) {
    state.words[GL_WORD_INDEX] = i;
    state.words[GL_WORD_SUBJECT] = (uint32_t)(record - model->bytes);
    if (gl_rules_run(&state, gl_saved_record_rules) != GATELET_STATUS_OK) return 0;
    if (!contents_fit(state.words, region + gl_u32(record + GATELET_RECORD_STATE),
                      gl_u32(record + GATELET_RECORD_STATE_BYTES))) {
      return 0;
    }
  }
  return 1;
}

int32_t gatelet_restore(gatelet_stream *stream, const void *blob, uint32_t blob_bytes) {
  const uint8_t *in = (const uint8_t *)blob;
  if (stream == NULL || blob == NULL) return GATELET_STATUS_BAD_ARGUMENT;
  if (!gl_is_bound(stream)) return GATELET_STATUS_BAD_STREAM;
  if (!blob_fits(stream->model, in, blob_bytes)) return GATELET_STATUS_BAD_STATE;
  memcpy(stream->arena, in + GATELET_STATE_HEADER_BYTES, stream->model->state_bytes);
  return GATELET_STATUS_OK;
}
