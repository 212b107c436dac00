/* Start of test programs on mps2-an386 with semihosting: memory, arguments, main, exit. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern uint32_t _data_load[], _data_start[], _data_end[], _bss_start[], _bss_end[];
extern char _stack_top[];
void initialise_monitor_handles(void);
int main(int argc, char **argv);
void reset_handler(void);

#define SYS_GET_CMDLINE 0x15
#define SYS_EXIT_EXTENDED 0x20
#define ADP_STOPPED_APPLICATION_EXIT 0x20026

static int semihost(int operation, void *argument) {
  register int r0 __asm__("r0") = operation;
  register void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static void leave(int code) {
  uint32_t block[2] = {ADP_STOPPED_APPLICATION_EXIT, (uint32_t)code};
  for (;;) semihost(SYS_EXIT_EXTENDED, block);
}

void _exit(int code) {
  leave(code);
  for (;;) {
  }
}

static void fault(void) { leave(99); }

void reset_handler(void) {
  static char line[1024];
  static char *argv[8];
  struct {
    char *at;
    uint32_t length;
  } command = {line, sizeof line};
  int argc = 0;
  memcpy(_data_start, _data_load, (size_t)((char *)_data_end - (char *)_data_start));
  memset(_bss_start, 0, (size_t)((char *)_bss_end - (char *)_bss_start));
  initialise_monitor_handles();
  semihost(SYS_GET_CMDLINE, &command);
  for (char *word = strtok(line, " "); word != NULL && argc < 8; word = strtok(NULL, " ")) argv[argc++] = word;
  exit(main(argc, argv));
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)_stack_top, reset_handler, fault, fault, fault, fault, fault,
};
