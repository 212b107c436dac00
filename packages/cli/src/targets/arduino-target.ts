import { decideSource, type Files, flatLibrary } from "./embedded-files.js";

function properties(name: string): string {
  return `name=${name}
version=0.0.1
author=gatelet build
maintainer=gatelet build
sentence=A recurrent model that answers bit for bit as in WebAssembly.
paragraph=Integers only, no heap. Made by gatelet build.
category=Data Processing
url=https://www.npmjs.com/package/gatelet
architectures=*
includes=${name}.h
`;
}

function sketch(name: string): string {
  const prefix = name.toUpperCase();
  return `/* Feeds frames to the model and prints the index of the largest output. readFrame() is yours. */
#include <Arduino.h>
#include <${name}.h>

alignas(16) static uint8_t arena[${prefix}_ARENA_BYTES];
static gatelet_stream stream;
static int16_t frame[${prefix}_FRAME_SIZE];
static ${name}_value rows[${prefix}_OUTPUT_ROWS * ${prefix}_OUTPUT_SIZE];

${decideSource(name)}
/* Raw counts of one moment, in the order of the training data. */
static void readFrame(int16_t *values) {
  for (int i = 0; i < ${prefix}_FRAME_SIZE; i++) values[i] = (int16_t)analogRead(i);
}

void setup() {
  Serial.begin(115200);
  const int32_t status = gatelet_init(&stream, &${name}_model, arena, sizeof arena);
  while (status != GATELET_STATUS_OK) {
    Serial.println(status);
    delay(1000);
  }
}

void loop() {
  readFrame(frame);
  const int32_t count = ${name}_step(&stream, frame, rows, sizeof rows);
  for (int32_t row = 0; row < count; row++) Serial.println(decide(rows + row * ${prefix}_OUTPUT_SIZE));
  delay(20); /* the model's sampling interval */
}
`;
}

/** `--target arduino`: a library folder for the Arduino IDE (Sketch, Include Library, Add), with an example sketch. */
export async function arduinoTarget(bytes: Uint8Array, name: string): Promise<Files> {
  const files = await flatLibrary(bytes, name, "src", false);
  files.set("library.properties", properties(name));
  files.set(`examples/${name}_stream/${name}_stream.ino`, sketch(name));
  return files;
}
