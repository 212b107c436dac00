/*
 * Test driver: reads a job file, runs each case on the library, writes a result file. The same source on the host (with
 * sanitizers) and on Cortex-M4 under QEMU (semihosting). Words are little-endian.
 *
 * job:    u32 cases; per case u32 modelBytes, u32 frames, u32 frameValues, u32 restoreBytes, u32 flags;
 *         model, restored blob, frames (int16), each padded to 16 bytes
 * result: per case i32 check; if 0: i32 init, i32 restore (0 without blob), u32 stateBytes, u32 rowBytes;
 *         per frame i32 result, its rows, padded to 4, u32 crc of the state region; then the state region,
 *         saved state (stateBytes + 48), i32 integrity (bits of failed self-checks)
 */
#include <stdio.h>
#include <stdlib.h>

#include "../src/stream.h"

#define ROUND_TRIP 1u

#define GUARD_BYTES 32u
#define GUARD_VALUE 0xa5

/* integrity bits */
#define GUARD_HIT 1
#define MODEL_CHANGED 2
#define RUN_DIFFERS 4
#define SAVE_DIFFERS 8

typedef struct buffer {
  uint8_t *bytes;
  size_t length, at;
} buffer;

static void fail(const char *what) {
  fprintf(stderr, "driver: %s\n", what);
  exit(2);
}

static buffer read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  buffer b = {NULL, 0, 0};
  size_t room = 0;
  if (file == NULL) fail("cannot open the job");
  for (;;) {
    if (b.length == room) {
      room = room == 0 ? 1u << 16 : room * 2;
      b.bytes = (uint8_t *)realloc(b.bytes, room);
      if (b.bytes == NULL) fail("out of memory");
    }
    const size_t got = fread(b.bytes + b.length, 1, room - b.length, file);
    if (got == 0) break;
    b.length += got;
  }
  fclose(file);
  return b;
}

static const uint8_t *take_bytes(buffer *b, size_t count) {
  const uint8_t *at = b->bytes + b->at;
  if (count > b->length - b->at) fail("the job is cut off");
  b->at += count;
  return at;
}

static uint32_t take_u32(buffer *b) { return gl_u32(take_bytes(b, 4)); }

static void put(FILE *out, const void *bytes, size_t count) {
  if (fwrite(bytes, 1, count, out) != count) fail("cannot write");
}

static void put_i32(FILE *out, int32_t value) { put(out, &value, 4); }

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

/* Exactly `bytes`, 16-aligned, between guards; under a sanitizer its own red zones stand closer. */
static uint8_t *guarded(size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  uint8_t *at = (uint8_t *)malloc(bytes == 0 ? 1 : bytes);
  if (at == NULL) fail("out of memory");
  memset(at, GUARD_VALUE, bytes);
  return at;
#else
  uint8_t *all = (uint8_t *)malloc(bytes + 2 * GUARD_BYTES + 16);
  if (all == NULL) fail("out of memory");
  uint8_t *at = (uint8_t *)(((uintptr_t)all + GUARD_BYTES + 15u) & ~(uintptr_t)15u);
  memset(all, GUARD_VALUE, (size_t)(at - all));
  memset(at, GUARD_VALUE, bytes + GUARD_BYTES);
  gl_set_u32(at - 4, (uint32_t)(at - all));
  return at;
#endif
}

static int release(uint8_t *at, size_t bytes) {
  int hit = 0;
#ifdef __SANITIZE_ADDRESS__
  (void)bytes;
  free(at);
#else
  for (size_t i = 0; i < GUARD_BYTES; i++) hit |= at[bytes + i] != GUARD_VALUE;
  for (size_t i = 5; i <= GUARD_BYTES; i++) hit |= at[-(ptrdiff_t)i] != GUARD_VALUE;
  free(at - gl_u32(at - 4));
#endif
  return hit ? GUARD_HIT : 0;
}

typedef struct test_case {
  const uint8_t *restore;
  const int16_t *frames;
  uint32_t frame_count, frame_values, restore_bytes, flags;
} test_case;

/* The same frames again: in one call, and stream saved and restored into another arena in the middle. */
static int round_trip(const gatelet_model *model, const test_case *t, const uint8_t *state, int32_t rows_expected) {
  const uint32_t row = gatelet_row_bytes(model), room = row * (model->max_output_rows * (t->frame_count + 1u));
  uint8_t *arena = guarded(model->arena_bytes), *other = guarded(model->arena_bytes);
  uint8_t *rows = guarded(room), *blob = guarded(gatelet_saved_bytes(model));
  const uint32_t half = t->frame_count / 2u;
  gatelet_stream stream, second;
  int bad = 0;
  if (gatelet_init(&stream, model, arena, model->arena_bytes) != 0) bad |= RUN_DIFFERS;
  if (gatelet_init(&second, model, other, model->arena_bytes) != 0) bad |= RUN_DIFFERS;
  const int32_t first_rows = gatelet_run(&stream, t->frames, half, rows, room);
  if (gatelet_save(&stream, blob, gatelet_saved_bytes(model)) != 0) bad |= SAVE_DIFFERS;
  if (gatelet_restore(&second, blob, gatelet_saved_bytes(model)) != 0) bad |= SAVE_DIFFERS;
  const int32_t more = gatelet_run(&second, t->frames + (size_t)half * t->frame_values, t->frame_count - half, rows, room);
  if (first_rows < 0 || more < 0 || first_rows + more != rows_expected) bad |= RUN_DIFFERS;
  if (memcmp(other, state, model->state_bytes) != 0) bad |= SAVE_DIFFERS;
  bad |= release(arena, model->arena_bytes) | release(other, model->arena_bytes);
  bad |= release(rows, room) | release(blob, gatelet_saved_bytes(model));
  return bad;
}

static void run_case(buffer *job, FILE *out) {
  const uint32_t model_bytes = take_u32(job);
  test_case t;
  t.frame_count = take_u32(job);
  t.frame_values = take_u32(job);
  t.restore_bytes = take_u32(job);
  t.flags = take_u32(job);
  uint8_t *file = guarded(model_bytes);
  memcpy(file, take_bytes(job, gl_pad16(model_bytes)), model_bytes);
  t.restore = take_bytes(job, gl_pad16(t.restore_bytes));
  const uint32_t frame_bytes = 2u * t.frame_values * t.frame_count;
  int16_t *frames = (int16_t *)(void *)guarded(frame_bytes);
  memcpy(frames, take_bytes(job, gl_pad16(frame_bytes)), frame_bytes);
  t.frames = frames;

  gatelet_model model;
  gatelet_stream stream;
  const int32_t checked = gatelet_check(&model, file, model_bytes);
  put_i32(out, checked);
  int integrity = 0;
  if (checked == GATELET_STATUS_OK) {
    const uint32_t crc = gl_crc32(file, model_bytes), row = gatelet_row_bytes(&model);
    const uint32_t room = row * model.max_output_rows;
    uint8_t *arena = guarded(model.arena_bytes), *rows = guarded(room), *blob = guarded(gatelet_saved_bytes(&model));
    int32_t total = 0;
    put_i32(out, gatelet_init(&stream, &model, arena, model.arena_bytes));
    put_i32(out, t.restore_bytes == 0u ? 0 : gatelet_restore(&stream, t.restore, t.restore_bytes));
    put_i32(out, (int32_t)model.state_bytes);
    put_i32(out, (int32_t)row);
    for (uint32_t i = 0; i < t.frame_count; i++) {
      const uint32_t pad[1] = {0};
      const int32_t result = gatelet_step(&stream, frames + (size_t)i * t.frame_values, rows, room);
      const uint32_t bytes = result > 0 ? (uint32_t)result * row : 0u;
      put_i32(out, result);
      put(out, rows, bytes);
      put(out, pad, (4u - bytes) & 3u);
      put_i32(out, (int32_t)gl_crc32(arena, model.state_bytes));
      total = result < 0 ? result : total + result;
    }
    put(out, arena, model.state_bytes);
    if (gatelet_save(&stream, blob, gatelet_saved_bytes(&model)) != GATELET_STATUS_OK) integrity |= SAVE_DIFFERS;
    put(out, blob, gatelet_saved_bytes(&model));
    if ((t.flags & ROUND_TRIP) != 0u) integrity |= round_trip(&model, &t, arena, total);
    if (gl_crc32(file, model_bytes) != crc) integrity |= MODEL_CHANGED;
    integrity |= release(arena, model.arena_bytes) | release(rows, room) | release(blob, gatelet_saved_bytes(&model));
    put_i32(out, integrity | release(file, model_bytes) | release((uint8_t *)frames, frame_bytes));
    return;
  }
  integrity = release(file, model_bytes) | release((uint8_t *)frames, frame_bytes);
  put_i32(out, integrity);
}

int main(int argc, char **argv) {
  if (argc != 3) fail("usage: driver JOB RESULT");
  buffer job = read_file(argv[1]);
  FILE *out = fopen(argv[2], "wb");
  if (out == NULL) fail("cannot open the result");
  for (uint32_t cases = take_u32(&job); cases != 0u; cases--) run_case(&job, out);
  free(job.bytes);
  return fclose(out) == 0 ? 0 : 2;
}
