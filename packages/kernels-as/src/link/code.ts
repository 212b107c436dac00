import { ByteWriter } from "./bytes.js";
import { I32 } from "./module.js";

const VOID_BLOCK = 0x40;

/** Writes the body of a function, instruction by instruction. */
export class Code {
  private readonly out = new ByteWriter();

  /** @param locals i32 locals behind the parameters */
  constructor(private readonly locals = 0) {}

  private op(opcode: number, ...immediates: number[]): this {
    this.out.u8(opcode);
    for (const value of immediates) this.out.u32(value);
    return this;
  }

  unreachable(): this {
    return this.op(0x00);
  }
  block(): this {
    this.out.u8(0x02, VOID_BLOCK);
    return this;
  }
  loop(): this {
    this.out.u8(0x03, VOID_BLOCK);
    return this;
  }
  if(): this {
    this.out.u8(0x04, VOID_BLOCK);
    return this;
  }
  end(): this {
    return this.op(0x0b);
  }
  br(depth: number): this {
    return this.op(0x0c, depth);
  }
  brIf(depth: number): this {
    return this.op(0x0d, depth);
  }
  return(): this {
    return this.op(0x0f);
  }
  call(index: number): this {
    return this.op(0x10, index);
  }
  get(local: number): this {
    return this.op(0x20, local);
  }
  set(local: number): this {
    return this.op(0x21, local);
  }
  tee(local: number): this {
    return this.op(0x22, local);
  }
  const(value: number): this {
    this.out.u8(0x41).i32(value);
    return this;
  }
  load(offset = 0): this {
    return this.op(0x28, 2, offset);
  }
  loadS8(offset = 0): this {
    return this.op(0x2c, 0, offset);
  }
  loadU8(offset = 0): this {
    return this.op(0x2d, 0, offset);
  }
  loadU16(offset = 0): this {
    return this.op(0x2f, 1, offset);
  }
  loadS16(offset = 0): this {
    return this.op(0x2e, 1, offset);
  }
  store8(offset = 0): this {
    return this.op(0x3a, 0, offset);
  }
  store(offset = 0): this {
    return this.op(0x36, 2, offset);
  }
  memorySize(): this {
    return this.op(0x3f, 0);
  }
  memoryGrow(): this {
    return this.op(0x40, 0);
  }
  drop(): this {
    return this.op(0x1a);
  }
  eqz(): this {
    return this.op(0x45);
  }
  eq(): this {
    return this.op(0x46);
  }
  ne(): this {
    return this.op(0x47);
  }
  lessSigned(): this {
    return this.op(0x48);
  }
  lessUnsigned(): this {
    return this.op(0x49);
  }
  greaterSigned(): this {
    return this.op(0x4a);
  }
  greaterUnsigned(): this {
    return this.op(0x4b);
  }
  greaterEqualUnsigned(): this {
    return this.op(0x4f);
  }
  add(): this {
    return this.op(0x6a);
  }
  subtract(): this {
    return this.op(0x6b);
  }
  multiply(): this {
    return this.op(0x6c);
  }
  divideUnsigned(): this {
    return this.op(0x6e);
  }
  remainderUnsigned(): this {
    return this.op(0x70);
  }
  or(): this {
    return this.op(0x72);
  }
  xor(): this {
    return this.op(0x73);
  }
  shiftLeft(): this {
    return this.op(0x74);
  }
  shiftRight(): this {
    return this.op(0x75);
  }

  /** Locals and expression, as the code section has them. */
  toBody(): Uint8Array {
    const head = new ByteWriter();
    if (this.locals === 0) head.u32(0);
    else head.u32(1).u32(this.locals).u8(I32);
    return head.raw(this.out.toBytes()).u8(0x0b).toBytes();
  }
}
