// Matrix products of float32: both factors are copied into panels that the inner loop reads from one end to the other (Goto and
// van de Geijn: Anatomy of high-performance matrix multiplication, 2008), whichever of them is transposed.
//
//   panel of A: 4 rows of A by column    a00 a10 a20 a30  a01 a11 ...     one 4 x 8 tile of C stays in eight registers
//   panel of B: 8 columns of B by row    b00 b01 .. b07   b10 b11 ...     while a panel of each goes by
//
// Depth is taken in blocks of DEPTH, rows of A in blocks of ROWS, so that a panel of B (8 KiB) and a block of A (64 KiB) stay in the caches.

const DEPTH: i32 = 256;
const ROWS: i32 = 64;
/** Bytes of a block of A. */
const BLOCK_BYTES: usize = DEPTH * ROWS * 4;
const EDGE = memory.data(128, 16);


// @ts-ignore: decorator
@inline
function panelled(columns: i32): i32 {
  return (columns + 7) & ~7;
}

/** Bytes of a right factor in panels. */
export function packedBytes(depth: i32, columns: i32): usize {
  return (depth * panelled(columns)) << 2;
}

/** Bytes of scratch of {@link multiplyPacked}: 0 columns; of {@link multiply}: as many as the product has. */
export function productScratchBytes(columns: i32): usize {
  return BLOCK_BYTES + packedBytes(DEPTH, columns);
}

/** Puts the right factor [depth, columns] into panels. Its elements lie `row` and `column` elements apart, one of which is 1. */
export function pack(depth: i32, columns: i32, from: usize, row: i32, column: i32, to: usize): void {
  for (let first = 0; first < depth; first += DEPTH) {
    const count = min(DEPTH, depth - first);
    for (let j = 0; j < columns; j += 8) {
      const start = from + ((first * row + j * column) << 2);
      if (column == 1 && j + 8 <= columns) packRows(count, start, row << 2, to);
      else packElements(count, min(8, columns - j), start, row << 2, column << 2, to);
      to += count << 5;
    }
  }
}

function packRows(count: i32, from: usize, row: i32, to: usize): void {
  for (let k = 0; k < count; k++) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    from += row;
    to += 32;
  }
}

function packElements(count: i32, columns: i32, from: usize, row: i32, column: i32, to: usize): void {
  for (let j = 0; j < 8; j++) {
    let source = from + j * column;
    let target = to + (j << 2);
    for (let k = 0; k < count; k++) {
      store<f32>(target, j < columns ? load<f32>(source) : 0);
      source += row;
      target += 32;
    }
  }
}

/** Puts rows of the left factor into panels; rows that are missing from the last one become zeros. */
function packLeft(rows: i32, depth: i32, from: usize, row: i32, column: i32, to: usize): void {
  for (let i = 0; i < rows; i += 4) {
    const start = from + ((i * row) << 2);
    if (i + 4 > rows) packLeftElements(rows - i, depth, start, row << 2, column << 2, to);
    else if (row == 1) packLeftColumns(depth, start, column << 2, to);
    else packLeftRows(depth, start, row << 2, to);
    to += depth << 4;
  }
}

function packLeftColumns(depth: i32, from: usize, column: i32, to: usize): void {
  for (let k = 0; k < depth; k++) {
    v128.store(to, v128.load(from));
    from += column;
    to += 16;
  }
}

/** Four rows whose elements are neighbours: 4 x 4 squares are transposed. */
function packLeftRows(depth: i32, from: usize, row: i32, to: usize): void {
  let k = 0;
  for (; k + 4 <= depth; k += 4) {
    const a = v128.load(from);
    const b = v128.load(from + row);
    const c = v128.load(from + 2 * row);
    const d = v128.load(from + 3 * row);
    const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    const upperAb = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    const upperCd = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2));
    v128.store(to, v128.shuffle<i64>(ab, cd, 1, 3), 16);
    v128.store(to, v128.shuffle<i64>(upperAb, upperCd, 0, 2), 32);
    v128.store(to, v128.shuffle<i64>(upperAb, upperCd, 1, 3), 48);
    from += 16;
    to += 64;
  }
  packLeftElements(4, depth - k, from, row, 4, to);
}

function packLeftElements(rows: i32, depth: i32, from: usize, row: i32, column: i32, to: usize): void {
  for (let k = 0; k < depth; k++) {
    for (let i = 0; i < 4; i++) store<f32>(to + (i << 2), i < rows ? load<f32>(from + i * row) : 0);
    from += column;
    to += 16;
  }
}

/**
 * C [rows, columns] += A B, or = A B. A lies as {@link pack} says of B, which is in panels; rows of C are `stride` elements apart.
 * @param scratch productScratchBytes(0) bytes
 */
export function multiplyPacked(
  rows: i32,
  columns: i32,
  depth: i32,
  a: usize,
  aRow: i32,
  aColumn: i32,
  b: usize,
  c: usize,
  stride: i32,
  accumulate: bool,
  scratch: usize,
): void {
  for (let first = 0; first < depth; first += DEPTH) {
    const count = min(DEPTH, depth - first);
    for (let top = 0; top < rows; top += ROWS) {
      const height = min(ROWS, rows - top);
      packLeft(height, count, a + ((top * aRow + first * aColumn) << 2), aRow, aColumn, scratch);
      const target = c + ((top * stride) << 2);
      multiplyBlock(height, columns, count, scratch, b, target, stride << 2, accumulate || first > 0);
    }
    b += (count * panelled(columns)) << 2;
  }
}

/** The same with B [depth, columns] as it lies; scratch of productScratchBytes(columns) bytes. */
export function multiply(
  rows: i32,
  columns: i32,
  depth: i32,
  a: usize,
  aRow: i32,
  aColumn: i32,
  b: usize,
  bRow: i32,
  bColumn: i32,
  c: usize,
  stride: i32,
  accumulate: bool,
  scratch: usize,
): void {
  const panels = scratch + BLOCK_BYTES;
  for (let first = 0; first < depth; first += DEPTH) {
    const count = min(DEPTH, depth - first);
    pack(count, columns, b + ((first * bRow) << 2), bRow, bColumn, panels);
    const left = a + ((first * aColumn) << 2);
    multiplyPacked(rows, columns, count, left, aRow, aColumn, panels, c, stride, accumulate || first > 0, scratch);
  }
}

function multiplyBlock(
  rows: i32,
  columns: i32,
  depth: i32,
  a: usize,
  b: usize,
  c: usize,
  stride: i32,
  accumulate: bool,
): void {
  for (let j = 0; j < columns; j += 8) {
    let left = a;
    for (let i = 0; i < rows; i += 4) {
      const target = c + i * stride + (j << 2);
      if (i + 4 <= rows && j + 8 <= columns) tile(depth, left, b, target, stride, accumulate);
      else {
        tile(depth, left, b, EDGE, 32, false);
        copyEdge(min(4, rows - i), min(8, columns - j), target, stride, accumulate);
      }
      left += depth << 4;
    }
    b += depth << 5;
  }
}

function copyEdge(rows: i32, columns: i32, c: usize, stride: i32, accumulate: bool): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const target = c + i * stride + (j << 2);
      const value = load<f32>(EDGE + (i << 5) + (j << 2));
      store<f32>(target, accumulate ? load<f32>(target) + value : value);
    }
  }
}

// @ts-ignore: decorator
@inline
function put(target: usize, left: v128, right: v128, accumulate: bool): void {
  if (accumulate) {
    left = f32x4.add(left, v128.load(target));
    right = f32x4.add(right, v128.load(target, 16));
  }
  v128.store(target, left);
  v128.store(target, right, 16);
}

/** One 4 x 8 tile of C from a panel of A and one of B. */
function tile(depth: i32, a: usize, b: usize, c: usize, stride: i32, accumulate: bool): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  for (const end = b + (depth << 5); b < end; b += 32) {
    const left = v128.load(b);
    const right = v128.load(b, 16);
    let factor = v128.load_splat<f32>(a);
    c00 = f32x4.add(c00, f32x4.mul(factor, left));
    c01 = f32x4.add(c01, f32x4.mul(factor, right));
    factor = v128.load_splat<f32>(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(factor, left));
    c11 = f32x4.add(c11, f32x4.mul(factor, right));
    factor = v128.load_splat<f32>(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(factor, left));
    c21 = f32x4.add(c21, f32x4.mul(factor, right));
    factor = v128.load_splat<f32>(a, 12);
    c30 = f32x4.add(c30, f32x4.mul(factor, left));
    c31 = f32x4.add(c31, f32x4.mul(factor, right));
    a += 16;
  }
  put(c, c00, c01, accumulate);
  put(c + stride, c10, c11, accumulate);
  put(c + 2 * stride, c20, c21, accumulate);
  put(c + 3 * stride, c30, c31, accumulate);
}
