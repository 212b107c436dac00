/* Vector table, reset, and the few functions of libc that the library and the compiler use. */
#include "nrf52840.h"

extern uint32_t _bss_start[], _bss_end[], _stack_top[];

void reset_handler(void);

static void sleep_for_ever(void) {
  for (;;) __asm__ volatile("wfi");
}

/* All faults and unexpected interrupts. */
static void unexpected(void) {
  uint32_t exception;
  __asm__ volatile("mrs %0, ipsr" : "=r"(exception));
  board_fault(exception);
  sleep_for_ever();
}

void reset_handler(void) {
  for (uint32_t *at = _bss_start; at != _bss_end; at++) *at = 0;
  board_main();
  sleep_for_ever();
}

typedef void (*vector)(void);

/* 16 of the core, 48 interrupts of the nRF52840 */
__attribute__((section(".vectors"), used)) static const vector vectors[64] = {
    (vector)(void *)_stack_top, reset_handler, [2 ... 6] = unexpected, [7 ... 10] = NULL, [11 ... 63] = unexpected,
};

void *memcpy(void *to, const void *from, size_t bytes) {
  uint8_t *out = (uint8_t *)to;
  const uint8_t *in = (const uint8_t *)from;
  for (; bytes >= 4u; bytes -= 4u, out += 4, in += 4) {
    uint32_t word;
    __builtin_memcpy(&word, in, 4);
    __builtin_memcpy(out, &word, 4);
  }
  for (; bytes != 0u; bytes--) *out++ = *in++;
  return to;
}

void *memset(void *to, int value, size_t bytes) {
  uint8_t *out = (uint8_t *)to;
  const uint32_t word = 0x01010101u * (uint8_t)value;
  for (; bytes >= 4u; bytes -= 4u, out += 4) __builtin_memcpy(out, &word, 4);
  for (; bytes != 0u; bytes--) *out++ = (uint8_t)value;
  return to;
}
