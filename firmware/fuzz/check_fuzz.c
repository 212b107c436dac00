/*
 * libFuzzer target of the loader: any bytes, with the checksum repaired so that they reach the checks behind it; what is
 * accepted must run without leaving its bounds. Build and run: see README.md.
 */
#include <stdlib.h>

#include "../src/stream.h"

#define MAX_ARENA_BYTES (1u << 20)
#define STEPS 4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const gatelet_model *model, const uint8_t *data, size_t size) {
  gatelet_stream stream;
  const uint32_t room = gatelet_row_bytes(model) * model->max_output_rows;
  if (model->arena_bytes > MAX_ARENA_BYTES || room > MAX_ARENA_BYTES) return;
  void *arena = NULL;
  if (posix_memalign(&arena, 16, model->arena_bytes) != 0) abort();
  void *rows = malloc(room);
  int16_t *frame = (int16_t *)calloc(model->frame_size, sizeof(int16_t));
  if (rows == NULL || frame == NULL) abort();
  if (gatelet_init(&stream, model, arena, model->arena_bytes) != GATELET_STATUS_OK) abort();
  for (uint32_t i = 0; i < STEPS; i++) {
    for (uint32_t c = 0; c < model->frame_size; c++) frame[c] = (int16_t)(data[(i * 131u + c * 2u) % size] * 257);
    const int32_t result = gatelet_step(&stream, frame, rows, room);
    (void)result;
  }
  const uint32_t saved = gatelet_saved_bytes(model);
  uint8_t *blob = (uint8_t *)malloc(saved);
  if (blob == NULL || gatelet_save(&stream, blob, saved) != GATELET_STATUS_OK) abort();
  /* a forged state: bytes of the input over the counters and states, checksum repaired */
  for (uint32_t i = GATELET_STATE_HEADER_BYTES + 8u; i < saved; i++) {
    if (data[(i * 7u) % size] == 0x55) blob[i] = data[i % size];
  }
  gl_set_u32(blob + GATELET_SAVED_CRC_32, gl_crc32(blob + 16, saved - 16u));
  if (gatelet_restore(&stream, blob, saved) == GATELET_STATUS_OK) {
    for (uint32_t i = 0; i < STEPS; i++) {
      const int32_t result = gatelet_step(&stream, frame, rows, room);
      (void)result;
    }
  }
  free(blob);
  free(frame);
  free(rows);
  free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gatelet_model model;
  void *file = NULL;
  const size_t length = size & ~(size_t)15;
  if (length < GATELET_HEADER_BYTES) return 0;
  if (posix_memalign(&file, 16, length) != 0) abort();
  uint8_t *bytes = (uint8_t *)file;
  memcpy(bytes, data, length);
  gl_set_u32(bytes, GATELET_MAGIC);
  gl_set_u16(bytes + GATELET_HEADER_FORMAT_VERSION, GATELET_FORMAT_VERSION);
  gl_set_u16(bytes + GATELET_HEADER_HEADER_BYTES, GATELET_HEADER_BYTES);
  gl_set_u32(bytes + GATELET_HEADER_FILE_BYTES, (uint32_t)length);
  gl_set_u32(bytes + GATELET_HEADER_CRC_32, gl_crc32(bytes + 16, (uint32_t)length - 16u));
  if (gatelet_check(&model, bytes, (uint32_t)length) == GATELET_STATUS_OK) run(&model, bytes, length);
  free(file);
  return 0;
}
