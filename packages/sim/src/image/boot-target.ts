import { firmwareElf } from "./firmware-elf.js";

/** Where an image starts on a chip, and what may lie behind that. */
export interface BootTarget {
  readonly name: string;
  /** What starts the image, for people. */
  readonly starter: string;
  /** Address of the vector table that the starter looks at. */
  readonly vectors: number;
  /** Where the starter's own flash at the end begins. */
  readonly flashEnd: number;
  /** Whether the pin of the text can be chosen. */
  readonly choosesPin: boolean;
  elf(): Uint8Array;
}

const FLASH_END = 0x100000;
/** The Adafruit nRF52 boot loader takes files up to here; behind it lie data of the application and the loader. */
const UF2_END = 0xea000;
const RUNNER_AT_0X27000 = "runner-nrf52840-0x27000.gen.elf";

/** UF2 boot loaders start what lies behind the SoftDevice that they came with; code lies at 0x27000 for all of them. */
const uf2 = (name: string, what: string, vectors: number): BootTarget => ({
  name,
  starter: `UF2 boot loader ${what}`,
  vectors,
  flashEnd: UF2_END,
  choosesPin: true,
  elf: () => firmwareElf(RUNNER_AT_0X27000),
});

export const BOOT_TARGETS: readonly BootTarget[] = [
  {
    name: "none",
    starter: "the chip itself: programmed by a debug probe",
    vectors: 0,
    flashEnd: FLASH_END,
    choosesPin: false,
    elf: () => firmwareElf("runner-nrf52840.gen.elf"),
  },
  {
    name: "arduino",
    starter: "boot loader of the Arduino Nano 33 BLE",
    vectors: 0x10000,
    flashEnd: FLASH_END,
    choosesPin: true,
    elf: () => firmwareElf("runner-nrf52840-0x10000.gen.elf"),
  },
  uf2("uf2-s140-6", "with SoftDevice S140 6", 0x26000),
  uf2("uf2-s140-7", "with SoftDevice S140 7", 0x27000),
  uf2("uf2-bare", "without SoftDevice", 0x1000),
];
