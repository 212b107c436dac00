/*
 * Bare-metal firmware for the harness's own tests: an nRF52840 without SDK, in one file.
 * Prints over UARTE0, toggles an LED from SysTick, counts a loop between two symbols, and misbehaves on request:
 * the word at MODE_ADDRESS (flash, outside the image) picks what it does after the banner.
 */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))

#define MODE_ADDRESS 0x80000u
enum { MODE_BLINK, MODE_ABORT, MODE_UNDEFINED, MODE_SPIN, MODE_FLOOD, MODE_BINARY, MODE_RESET };

#define CPACR REG(0xE000ED88u)
#define AIRCR REG(0xE000ED0Cu)
#define SYST_CSR REG(0xE000E010u)
#define SYST_RVR REG(0xE000E014u)
#define SYST_CVR REG(0xE000E018u)
#define DEMCR REG(0xE000EDFCu)
#define DWT_CTRL REG(0xE0001000u)
#define DWT_CYCCNT REG(0xE0001004u)

#define GPIO_OUTSET REG(0x50000508u)
#define GPIO_OUTCLR REG(0x5000050Cu)
#define GPIO_DIRSET REG(0x50000518u)
#define LED_PIN (1u << 13) /* lights when low */

#define UARTE_STARTTX REG(0x40002008u)
#define UARTE_ENDTX REG(0x40002120u)
#define UARTE_ENABLE REG(0x40002500u)
#define UARTE_PSEL_TXD REG(0x4000250Cu)
#define UARTE_BAUDRATE REG(0x40002524u)
#define UARTE_TXD_PTR REG(0x40002544u)
#define UARTE_TXD_MAXCNT REG(0x40002548u)

#define TICK_HZ 100u /* SysTick runs at 64 MHz */
#define BLINK_TICKS 50u

extern uint32_t stack_top[], data_start[], data_end[], data_load[], bss_start[], bss_end[];
void reset(void);
void fault(void);
void tick(void);
void bench_begin(void);
void bench_end(void);

volatile uint32_t g_blinks;
volatile uint32_t g_cycles;
uint32_t g_squares[16];
uint32_t g_answer = 42u;

static volatile uint32_t ticks;
static uint8_t line[64];

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16] = {
    (uintptr_t)stack_top,    (uintptr_t)reset, (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault,
    (uintptr_t)fault,        0,                0,                0,                0,                (uintptr_t)fault,
    (uintptr_t)fault,        0,                (uintptr_t)fault, (uintptr_t)tick,
};

static void uart_init(void) {
  UARTE_PSEL_TXD = 6u;
  UARTE_BAUDRATE = 0x01D7E000u; /* 115200 */
  UARTE_ENABLE = 8u;
}

static void uart_send(const uint8_t *bytes, uint32_t count) {
  UARTE_ENDTX = 0u;
  UARTE_TXD_PTR = (uint32_t)(uintptr_t)bytes;
  UARTE_TXD_MAXCNT = count;
  UARTE_STARTTX = 1u;
  while (UARTE_ENDTX == 0u) {
  }
}

/* EasyDMA cannot read flash, so every line is copied to RAM first. */
static void print(const char *text) {
  uint32_t count = 0;
  while (text[count] != '\0' && count < sizeof line) {
    line[count] = (uint8_t)text[count];
    count++;
  }
  uart_send(line, count);
}

static void print_number(const char *label, uint32_t value) {
  char digits[12];
  uint32_t at = sizeof digits;
  digits[--at] = '\0';
  digits[--at] = '\n';
  do {
    digits[--at] = (char)('0' + value % 10u);
    value /= 10u;
  } while (value != 0u);
  print(label);
  print(&digits[at]);
}

/* The two symbols must stay functions of their own: an inlined copy would leave a symbol that is never reached. */
__attribute__((noinline)) void bench_begin(void) { __asm volatile("" ::: "memory"); }
__attribute__((noinline)) void bench_end(void) { __asm volatile("" ::: "memory"); }

static void bench(void) {
  bench_begin();
  uint32_t start = DWT_CYCCNT;
  __asm volatile("movw r0, #1000\n1: subs r0, #1\n bne 1b" ::: "r0", "cc", "memory");
  g_cycles = DWT_CYCCNT - start;
  bench_end();
  for (uint32_t i = 0; i < 16u; i++) g_squares[i] = i * i;
}

static void misbehave(uint32_t mode) {
  static uint8_t raw[256];
  if (mode == MODE_ABORT) ((void (*)(void))0x60000001u)();
  if (mode == MODE_UNDEFINED) __asm volatile("udf #0");
  if (mode == MODE_SPIN) for (;;) __asm volatile("nop");
  if (mode == MODE_FLOOD) for (uint32_t address = 0x70000000u;; address += 4u) (void)REG(address);
  if (mode == MODE_RESET) AIRCR = 0x05FA0004u;
  if (mode == MODE_BINARY) {
    for (uint32_t i = 0; i < sizeof raw; i++) raw[i] = (uint8_t)i;
    uart_send(raw, sizeof raw);
    print("\nbinary done\n");
  }
}

void tick(void) { ticks++; }

void fault(void) {
  print("fault\n");
  for (;;) __asm volatile("wfi");
}

static void blink_forever(void) {
  uint32_t seen = 0;
  GPIO_DIRSET = LED_PIN;
  GPIO_OUTSET = LED_PIN;
  SYST_RVR = 64000000u / TICK_HZ - 1u;
  SYST_CVR = 0u;
  SYST_CSR = 7u;
  for (;;) {
    __asm volatile("wfi");
    if (ticks - seen < BLINK_TICKS) continue;
    seen += BLINK_TICKS;
    g_blinks++;
    if (g_blinks & 1u) {
      GPIO_OUTCLR = LED_PIN;
      print("led on\n");
    } else {
      GPIO_OUTSET = LED_PIN;
      print("led off\n");
    }
  }
}

void reset(void) {
  uint32_t *to = data_start;
  for (const uint32_t *from = data_load; to < data_end; from++, to++) *to = *from;
  for (to = bss_start; to < bss_end; to++) *to = 0u;
  CPACR |= 0xFu << 20;
  DEMCR |= 1u << 24;
  DWT_CTRL |= 1u;
  uart_init();
  print("blinky ready\n");
  misbehave(REG(MODE_ADDRESS));
  bench();
  print_number("cycles ", g_cycles);
  blink_forever();
}
