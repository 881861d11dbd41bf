package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.VectorOps;
import java.lang.foreign.MemorySegment;

/** The operations of {@link VectorOps} in C. */
final class NativeVectors implements VectorOps {
  static final NativeVectors INSTANCE = new NativeVectors();

  private NativeVectors() {}

  @Override
  public void selectPositive(int n, MemorySegment scores, ActiveSet set) {
    set.count(Kernels.selectPositive(n, scores.address(), set.indices().address()));
  }

  @Override
  public void add(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    Kernels.add(Lanes.padded(n), left.address(), right.address(), out.address());
  }

  @Override
  public void subtract(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    Kernels.subtract(Lanes.padded(n), left.address(), right.address(), out.address());
  }

  @Override
  public void multiply(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    Kernels.multiply(Lanes.padded(n), left.address(), right.address(), out.address());
  }

  @Override
  public void multiplyAdd(
      int n, MemorySegment left, MemorySegment right, MemorySegment addend, MemorySegment out) {
    Kernels.multiplyAdd(
        Lanes.padded(n), left.address(), right.address(), addend.address(), out.address());
  }

  @Override
  public void apply(
      Pointwise function, float a, float b, int n, MemorySegment values, MemorySegment out) {
    if (function.isOfEveryBackend()) {
      Kernels.apply(function.ordinal(), a, b, Lanes.padded(n), values.address(), out.address());
    } else {
      VectorOps.super.apply(function, a, b, n, values, out);
    }
  }

  @Override
  public void gather(int ranges, MemorySegment table, MemorySegment values, MemorySegment out) {
    Kernels.gather(ranges, table.address(), values.address(), out.address());
  }

  @Override
  public void choose(
      int n, MemorySegment condition, MemorySegment yes, MemorySegment no, MemorySegment out) {
    Kernels.choose(
        Lanes.padded(n), condition.address(), yes.address(), no.address(), out.address());
  }

  @Override
  public void flush(int n, MemorySegment values, MemorySegment out) {
    Kernels.flush(Lanes.padded(n), values.address(), out.address());
  }

  @Override
  public void spread(int n, int blockUnits, MemorySegment values, MemorySegment out) {
    Kernels.spread(n, blockUnits, values.address(), out.address());
  }

  @Override
  public void softmax(int n, MemorySegment values, MemorySegment out) {
    Kernels.softmax(n, Lanes.padded(n), values.address(), out.address());
  }
}
