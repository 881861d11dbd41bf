package io.github.stillgate.core.kernel.reference;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.ComposedCells;
import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.VectorOps;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** The ends of the two GRUs, which must not allocate, as {@link Cells} writes them. */
final class ReferenceCells extends ComposedCells {
  ReferenceCells(VectorOps ops) {
    super(ops);
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
    int stride = Lanes.padded(n);
    for (int i = 0; i < n; i++) {
      if (get(z, i) > 0) {
        float r = Elementary.sigmoid(preactivation(i, x, h, bias));
        blend(i, get(z, i), candidate(stride + i, r, x, get(h, stride + i), bias), state);
      }
    }
  }

  @Override
  public void gru(
      int n,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment scratch,
      MemorySegment state) {
    finish(n, x, h, bias, null, state);
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
    finish(n, x, h, bias, inner, state);
  }

  /** With a bias inside the reset product, if there is one. */
  private static void finish(
      int n,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      @Nullable MemorySegment inner,
      MemorySegment state) {
    int stride = Lanes.padded(n);
    for (int i = 0; i < n; i++) {
      float z = Elementary.sigmoid(preactivation(i, x, h, bias));
      float r = Elementary.sigmoid(preactivation(stride + i, x, h, bias));
      int at = 2 * stride + i;
      float sum = inner == null ? get(h, at) : get(h, at) + get(inner, i);
      blend(i, z, candidate(at, r, x, sum, bias), state);
    }
  }

  private static float preactivation(int at, MemorySegment x, MemorySegment h, MemorySegment bias) {
    return (get(x, at) + get(h, at)) + get(bias, at);
  }

  private static float candidate(int at, float r, MemorySegment x, float h, MemorySegment bias) {
    return Elementary.tanh(Math.fma(r, h, get(x, at)) + get(bias, at));
  }

  private static void blend(int at, float z, float c, MemorySegment state) {
    float before = get(state, at);
    state.setAtIndex(JAVA_FLOAT, at, Elementary.flush(Math.fma(z, c - before, before)));
  }

  private static float get(MemorySegment values, int at) {
    return values.getAtIndex(JAVA_FLOAT, at);
  }
}
