/* The checker, FORMAT.md 1 to 5, by the generated rules. Nothing is executed before all of it holds. */
#include "small.h"

#include "rules.h"

/* Liveness: every record against those behind it that come before its last reader. */
static int32_t check_pairs(gl_rule_state *state, uint32_t records, uint32_t count) {
  for (uint32_t j = 0; j < count; j++) {
    state->words[GL_WORD_INDEX] = j;
    state->words[GL_WORD_OTHER] = records + GATELET_RECORD_BYTES * j;
    state->words[GL_WORD_SELECTOR] = 0;
    for (uint32_t k = count - 1u; k > j; k--) {
      state->words[GL_WORD_SUBJECT] = records + GATELET_RECORD_BYTES * k;
      const int32_t status = gl_rules_run(state, gl_pair_rules);
      if (status != GATELET_STATUS_OK) return status;
    }
  }
  return GATELET_STATUS_OK;
}

static int32_t check_all(gl_rule_state *state) {
  const uint8_t *bytes = state->places[0];
  int32_t status = gl_rules_run(state, gl_header_rules);
  if (status != GATELET_STATUS_OK) return status;
  const uint32_t sections = gl_u16(bytes + GATELET_HEADER_SECTION_COUNT);
  const uint32_t count = gl_u16(bytes + GATELET_HEADER_RECORD_COUNT);
  status = gl_rules_each(state, gl_section_rules, GATELET_HEADER_BYTES, GATELET_SECTION_ENTRY_BYTES, sections);
  if (status == GATELET_STATUS_OK) status = gl_rules_run(state, gl_sections_rules);
  const uint32_t records = state->words[GL_WORD_RECORDS];
  if (status == GATELET_STATUS_OK) status = gl_rules_each(state, gl_record_rules, records, GATELET_RECORD_BYTES, count);
  if (status == GATELET_STATUS_OK) status = gl_rules_run(state, gl_repeated_rules);
  return status == GATELET_STATUS_OK ? check_pairs(state, records, count) : status;
}

static void fill(gatelet_model *model, const gl_rule_state *state) {
  const uint8_t *bytes = state->places[0];
  model->bytes = bytes;
  model->records = bytes + state->words[GL_WORD_RECORDS];
  model->file_bytes = gl_u32(bytes + GATELET_HEADER_FILE_BYTES);
  model->crc = gl_u32(bytes + GATELET_HEADER_CRC_32);
  model->arena_bytes = gl_u32(bytes + GATELET_HEADER_ARENA_BYTES);
  model->state_bytes = gl_u32(bytes + GATELET_HEADER_STATE_BYTES);
  model->window = gl_u32(bytes + GATELET_HEADER_WINDOW);
  model->max_output_rows = gl_u32(bytes + GATELET_HEADER_MAX_OUTPUT_ROWS);
  model->vocabulary_size = gl_u32(bytes + GATELET_HEADER_VOCABULARY_SIZE);
  model->record_count = (uint16_t)gl_u16(bytes + GATELET_HEADER_RECORD_COUNT);
  model->frame_size = (uint16_t)gl_u16(bytes + GATELET_HEADER_FRAME_SIZE);
  model->output_size = (uint16_t)gl_u16(bytes + GATELET_HEADER_OUTPUT_SIZE);
  model->input_kind = bytes[GATELET_HEADER_INPUT_KIND];
  model->output_type = bytes[GATELET_HEADER_OUTPUT_TYPE];
  model->output_transform = bytes[GATELET_HEADER_OUTPUT_TRANSFORM];
}

int32_t gatelet_check(gatelet_model *model, const void *file, uint32_t length) {
  const uint8_t *bytes = (const uint8_t *)file;
  gl_rule_state state;
  if (model == NULL || file == NULL) return GATELET_STATUS_BAD_ARGUMENT;
  memset(model, 0, sizeof *model);
  if (((uintptr_t)file & 15u) != 0u) return GATELET_STATUS_BAD_ALIGNMENT;
  if (length < GATELET_HEADER_BYTES) return GATELET_STATUS_BAD_SIZE;
  gl_rules_begin(&state, bytes);
  state.words[GL_WORD_LENGTH] = length;
  state.words[GL_WORD_CRC] = gl_crc32(bytes + 16, length - 16u);
  const int32_t status = check_all(&state);
  if (status == GATELET_STATUS_OK) fill(model, &state);
  return status;
}
