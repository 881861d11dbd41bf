package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;

/**
 * The formulas of {@link Cells}, operation by operation: what a backend has that brings nothing of
 * its own, and what its own are compared with. The ends of the two GRUs look at single rows of
 * their sums, and a view is an object; so a backend that is to step without allocation overrides
 * these two.
 */
public class ComposedCells implements Cells {
  private final VectorOps ops;

  /** Cells composed of {@code ops}. */
  public ComposedCells(VectorOps ops) {
    this.ops = ops;
  }

  @Override
  public void preactivate(
      int n, MemorySegment x, MemorySegment h, MemorySegment bias, MemorySegment out) {
    ops.add(n, x, h, out);
    ops.add(n, out, bias, out);
  }

  @Override
  public void conditionalGru(
      int n,
      MemorySegment z,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment scratch,
      MemorySegment state) {
    MemorySegment r = row(n, 0, scratch);
    MemorySegment moved = row(n, 1, scratch);
    preactivate(n, x, h, bias, r);
    ops.apply(Pointwise.SIGMOID, 0, 0, n, r, r);
    candidate(n, r, row(n, 1, x), row(n, 1, h), row(n, 1, bias), r);
    moved(n, z, r, state, moved);
    ops.flush(n, moved, moved);
    ops.choose(n, z, moved, state, state);
  }

  @Override
  public void gru(
      int n,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment scratch,
      MemorySegment state) {
    gru(n, x, h, row(n, 2, h), bias, scratch, state);
  }

  @Override
  public void biasedGru(
      int n,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment inner,
      MemorySegment scratch,
      MemorySegment state) {
    MemorySegment sums = row(n, 2, scratch);
    ops.add(n, row(n, 2, h), inner, sums);
    gru(n, x, h, sums, bias, scratch, state);
  }

  /** With what the reset gates; it may lie in the last row of scratch. */
  private void gru(
      int n,
      MemorySegment x,
      MemorySegment h,
      MemorySegment gated,
      MemorySegment bias,
      MemorySegment scratch,
      MemorySegment state) {
    MemorySegment z = row(n, 0, scratch);
    MemorySegment r = row(n, 1, scratch);
    MemorySegment moved = row(n, 2, scratch);
    preactivate(n, x, h, bias, z);
    ops.apply(Pointwise.SIGMOID, 0, 0, n, z, z);
    preactivate(n, row(n, 1, x), row(n, 1, h), row(n, 1, bias), r);
    ops.apply(Pointwise.SIGMOID, 0, 0, n, r, r);
    candidate(n, r, row(n, 2, x), gated, row(n, 2, bias), r);
    moved(n, z, r, state, moved);
    ops.flush(n, moved, state);
  }

  @Override
  public void blend(
      int n, MemorySegment z, MemorySegment c, MemorySegment scratch, MemorySegment state) {
    moved(n, z, c, state, scratch);
    ops.flush(n, scratch, state);
  }

  @Override
  public void carry(
      int n,
      MemorySegment keep,
      MemorySegment gate,
      MemorySegment value,
      MemorySegment scratch,
      MemorySegment state) {
    ops.multiply(n, gate, value, scratch);
    ops.multiplyAdd(n, keep, state, scratch, scratch);
    ops.flush(n, scratch, state);
  }

  /** {@code out = tanh(fma(r, h, x) + bias)}. */
  private void candidate(
      int n,
      MemorySegment r,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment out) {
    ops.multiplyAdd(n, r, h, x, out);
    ops.add(n, out, bias, out);
    ops.apply(Pointwise.TANH, 0, 0, n, out, out);
  }

  /** {@code out = fma(z, c - state, state)}. */
  private void moved(
      int n, MemorySegment z, MemorySegment c, MemorySegment state, MemorySegment out) {
    ops.subtract(n, c, state, out);
    ops.multiplyAdd(n, z, out, state, out);
  }

  private static MemorySegment row(int n, int number, MemorySegment rows) {
    long bytes = 4L * Lanes.padded(n);
    return rows.asSlice(number * bytes, bytes);
  }
}
