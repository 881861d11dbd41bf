package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Lanes;
import java.lang.foreign.MemorySegment;

/** The ends of layers in C, one pass each. */
final class NativeCells implements Cells {
  static final NativeCells INSTANCE = new NativeCells();

  private NativeCells() {}

  @Override
  public void preactivate(
      int n, MemorySegment x, MemorySegment h, MemorySegment bias, MemorySegment out) {
    Kernels.preactivate(Lanes.padded(n), x.address(), h.address(), bias.address(), out.address());
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
    Kernels.conditionalGru(
        Lanes.padded(n), z.address(), x.address(), h.address(), bias.address(), state.address());
  }

  @Override
  public void gru(
      int n,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment scratch,
      MemorySegment state) {
    Kernels.gru(n, Lanes.padded(n), x.address(), h.address(), bias.address(), state.address());
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
    Kernels.biasedGru(
        n,
        Lanes.padded(n),
        x.address(),
        h.address(),
        bias.address(),
        inner.address(),
        state.address());
  }

  @Override
  public void blend(
      int n, MemorySegment z, MemorySegment c, MemorySegment scratch, MemorySegment state) {
    Kernels.blend(Lanes.padded(n), z.address(), c.address(), state.address());
  }

  @Override
  public void carry(
      int n,
      MemorySegment keep,
      MemorySegment gate,
      MemorySegment value,
      MemorySegment scratch,
      MemorySegment state) {
    Kernels.carry(
        Lanes.padded(n), keep.address(), gate.address(), value.address(), state.address());
  }
}
