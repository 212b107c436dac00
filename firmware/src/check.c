/* The checker, FORMAT.md 1, 2: envelope, header, sections; then the records. Nothing is executed before all of it holds. */
#include "small.h"

#include "check.h"

#define H16(field) gl_u16(bytes + GATELET_HEADER_##field)
#define H32(field) gl_u32(bytes + GATELET_HEADER_##field)
#define H8(field) ((uint32_t)bytes[GATELET_HEADER_##field])

/* Reserved fields of the header have no generated names. */
#define RESERVED_16_AT 26
#define RESERVED_8_AT 43
#define RESERVED_32_AT 60
#define RESERVED_64_AT 72

static int32_t check_envelope(const uint8_t *bytes, uint32_t length) {
  if (length < GATELET_HEADER_BYTES) return GATELET_STATUS_BAD_SIZE;
  if (H32(MAGIC) != GATELET_MAGIC) return GATELET_STATUS_BAD_MAGIC;
  if (H16(FORMAT_VERSION) != GATELET_FORMAT_VERSION) return GATELET_STATUS_BAD_VERSION;
  if (H16(HEADER_BYTES) != GATELET_HEADER_BYTES) return GATELET_STATUS_BAD_HEADER;
  if (H32(FILE_BYTES) != length || (length & 15u) != 0u) return GATELET_STATUS_BAD_SIZE;
  if (H32(CRC_32) != gl_crc32(bytes + 16, length - 16u)) return GATELET_STATUS_BAD_CRC;
  return GATELET_STATUS_OK;
}

static int scale_fits(const uint8_t *bytes) {
  const uint32_t low = H32(OUTPUT_SCALE), high = gl_u32(bytes + GATELET_HEADER_OUTPUT_SCALE + 4);
  return high < 0x7ff00000u && (low | high) != 0u;
}

static int32_t check_header(const uint8_t *bytes) {
  const uint32_t reserved = gl_u16(bytes + RESERVED_16_AT) | bytes[RESERVED_8_AT] | gl_u32(bytes + RESERVED_32_AT) |
                            gl_u32(bytes + RESERVED_64_AT) | gl_u32(bytes + RESERVED_64_AT + 4);
  const uint32_t count = H16(RECORD_COUNT), rows = H32(MAX_OUTPUT_ROWS);
  if (reserved != 0u || H16(SECTION_COUNT) < 2u || H16(SECTION_COUNT) > GATELET_LIMIT_SECTIONS ||
      H16(RECORD_STRIDE) != GATELET_RECORD_BYTES || count < 1u || count > GATELET_LIMIT_RECORDS ||
      H8(INPUT_KIND) > 1u || H8(OUTPUT_TYPE) > 1u || H8(OUTPUT_TRANSFORM) > 2u || H32(WINDOW) > GATELET_LIMIT_ROWS ||
      H16(FRAME_SIZE) < 1u || H16(FRAME_SIZE) > GATELET_LIMIT_ROW_SIZE || rows < 1u || rows > GATELET_LIMIT_ROWS ||
      !scale_fits(bytes)) {
    return GATELET_STATUS_BAD_HEADER;
  }
  if ((H32(REQUIRED_KERNELS) & ~(uint32_t)GATELET_KERNELS) != 0u) return GATELET_STATUS_UNKNOWN_KERNEL;
  const uint32_t arena = H32(ARENA_BYTES), state = H32(STATE_BYTES), scratch = H32(SCRATCH_BYTES);
  if (arena > GATELET_LIMIT_ARENA_BYTES || state > arena || scratch != arena - state || ((state | scratch) & 15u) != 0u ||
      state < gl_pad16(GATELET_STREAM_HEADER_BYTES + GATELET_COUNTER_BYTES * count)) {
    return GATELET_STATUS_BAD_ARENA;
  }
  return GATELET_STATUS_OK;
}

/* One entry: u16 id, u16 flags, u32 offset, u32 bytes, u32 reserved. `free` is the end of the section before it. */
static int32_t check_section(gl_check_context *c, const uint8_t *entry, uint32_t length, uint32_t *free) {
  const uint32_t id = gl_u16(entry), flags = gl_u16(entry + 2), offset = gl_u32(entry + 4), bytes = gl_u32(entry + 8);
  if (flags > 1u || gl_u32(entry + 12) != 0u || (offset & 15u) != 0u || offset < *free || offset > length ||
      bytes > length - offset) {
    return GATELET_STATUS_BAD_SECTION;
  }
  *free = offset + bytes;
  if (id == GATELET_SECTION_RECORDS) {
    if (c->records != NULL || bytes != GATELET_RECORD_BYTES * c->record_count) return GATELET_STATUS_BAD_SECTION;
    c->records = c->bytes + offset;
  } else if (id == GATELET_SECTION_TENSORS) {
    if (c->tensors_end != 0u) return GATELET_STATUS_BAD_SECTION;
    c->tensors_begin = offset;
    c->tensors_end = offset + bytes;
  } else if (id != GATELET_SECTION_META && flags != 0u) {
    return GATELET_STATUS_UNKNOWN_SECTION;
  }
  return GATELET_STATUS_OK;
}

static int32_t check_sections(gl_check_context *c, uint32_t length) {
  const uint8_t *bytes = c->bytes;
  const uint32_t count = H16(SECTION_COUNT);
  uint32_t free = GATELET_HEADER_BYTES + GATELET_SECTION_ENTRY_BYTES * count, metas = 0;
  if (free > length) return GATELET_STATUS_BAD_SECTION;
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *entry = bytes + GATELET_HEADER_BYTES + GATELET_SECTION_ENTRY_BYTES * i;
    const int32_t status = check_section(c, entry, length, &free);
    if (status != GATELET_STATUS_OK) return status;
    metas += gl_u16(entry) == GATELET_SECTION_META;
  }
  if (c->records == NULL || c->tensors_end == 0u || metas > 1u) return GATELET_STATUS_BAD_SECTION;
  return GATELET_STATUS_OK;
}

static int32_t check_records(gl_check_context *c) {
  uint32_t rows = 0;
  c->state_end = gl_pad16(GATELET_STREAM_HEADER_BYTES + GATELET_COUNTER_BYTES * c->record_count);
  for (uint32_t i = 0; i < c->record_count; i++) {
    int32_t status = gl_check_record(c, i);
    if (status == GATELET_STATUS_OK) status = gl_check_places(c, i);
    if (status != GATELET_STATUS_OK) return status;
    rows += gl_u32(gl_record_at(c, i) + GATELET_RECORD_ROWS_OUT);
  }
  return rows > GATELET_LIMIT_TOTAL_ROWS ? GATELET_STATUS_BAD_RECORD : GATELET_STATUS_OK;
}

/* Header fields that repeat what the records say. */
static int32_t check_repeated(const gl_check_context *c) {
  const uint8_t *bytes = c->bytes, *first = c->records, *last = gl_record_at(c, c->record_count - 1u);
  const uint32_t tokens = first[GATELET_RECORD_KERNEL] == GATELET_KERNEL_EMBEDDING;
  const uint32_t wide = (last[GATELET_RECORD_FLAGS] & GATELET_FLAG_OUT32) != 0u;
  uint32_t kernels = 0;
  for (uint32_t i = 0; i < c->record_count; i++) kernels |= 1u << gl_record_at(c, i)[GATELET_RECORD_KERNEL];
  if (H32(REQUIRED_KERNELS) != kernels || H8(INPUT_KIND) != tokens || H8(OUTPUT_TYPE) != wide ||
      H16(FRAME_SIZE) != gl_u16(first + GATELET_RECORD_INPUT_SIZE) ||
      H16(OUTPUT_SIZE) != gl_u16(last + GATELET_RECORD_OUTPUT_SIZE) ||
      H32(VOCABULARY_SIZE) != gl_u32(first + GATELET_RECORD_VOCABULARY)) {
    return GATELET_STATUS_BAD_HEADER;
  }
  return GATELET_STATUS_OK;
}

static void fill(gatelet_model *model, const gl_check_context *c) {
  const uint8_t *bytes = c->bytes;
  model->bytes = bytes;
  model->records = c->records;
  model->file_bytes = H32(FILE_BYTES);
  model->crc = H32(CRC_32);
  model->arena_bytes = c->arena_bytes;
  model->state_bytes = c->state_bytes;
  model->window = c->window;
  model->max_output_rows = H32(MAX_OUTPUT_ROWS);
  model->vocabulary_size = H32(VOCABULARY_SIZE);
  model->record_count = (uint16_t)c->record_count;
  model->frame_size = (uint16_t)H16(FRAME_SIZE);
  model->output_size = (uint16_t)H16(OUTPUT_SIZE);
  model->input_kind = bytes[GATELET_HEADER_INPUT_KIND];
  model->output_type = bytes[GATELET_HEADER_OUTPUT_TYPE];
  model->output_transform = bytes[GATELET_HEADER_OUTPUT_TRANSFORM];
}

int32_t gatelet_check(gatelet_model *model, const void *file, uint32_t length) {
  const uint8_t *bytes = (const uint8_t *)file;
  gl_check_context c;
  if (model == NULL || file == NULL) return GATELET_STATUS_BAD_ARGUMENT;
  memset(model, 0, sizeof *model);
  if (((uintptr_t)file & 15u) != 0u) return GATELET_STATUS_BAD_ALIGNMENT;
  int32_t status = check_envelope(bytes, length);
  if (status == GATELET_STATUS_OK) status = check_header(bytes);
  if (status != GATELET_STATUS_OK) return status;
  memset(&c, 0, sizeof c);
  c.bytes = bytes;
  c.record_count = H16(RECORD_COUNT);
  c.window = H32(WINDOW);
  c.state_bytes = H32(STATE_BYTES);
  c.arena_bytes = H32(ARENA_BYTES);
  status = check_sections(&c, length);
  if (status == GATELET_STATUS_OK) status = check_records(&c);
  if (status == GATELET_STATUS_OK) status = check_repeated(&c);
  if (status == GATELET_STATUS_OK) status = gl_check_liveness(&c);
  if (status == GATELET_STATUS_OK) fill(model, &c);
  return status;
}
