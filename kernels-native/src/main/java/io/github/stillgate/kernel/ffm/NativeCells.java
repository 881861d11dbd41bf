package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;

/** The formulas of {@link Cells} in C. */
final class NativeCells implements Cells {
  static final NativeCells INSTANCE = new NativeCells();

  private NativeCells() {}

  @Override
  public void selectPositive(int n, MemorySegment scores, ActiveSet set) {
    set.count(Kernels.selectPositive(n, scores.address(), set.indices().address()));
  }

  @Override
  public void add(int n, MemorySegment sums, MemorySegment bias, MemorySegment out) {
    Kernels.add(RowLayout.padded(n), sums.address(), bias.address(), out.address());
  }

  @Override
  public void relu(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment out) {
    Kernels.relu(
        RowLayout.padded(n),
        stateSums.address(),
        inputSums.address(),
        bias.address(),
        out.address());
  }

  @Override
  public void addBoth(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment out) {
    Kernels.addBoth(
        RowLayout.padded(n),
        stateSums.address(),
        inputSums.address(),
        bias.address(),
        out.address());
  }

  @Override
  public void clippedTanh(int n, MemorySegment scores, MemorySegment out) {
    Kernels.clippedTanh(RowLayout.padded(n), scores.address(), out.address());
  }

  @Override
  public void spread(int n, int blockUnits, MemorySegment values, MemorySegment out) {
    Kernels.spread(n, blockUnits, values.address(), out.address());
  }

  @Override
  public void scaleBySigmoid(int n, MemorySegment sums, MemorySegment bias, MemorySegment gates) {
    Kernels.scaleBySigmoid(RowLayout.padded(n), sums.address(), bias.address(), gates.address());
  }

  @Override
  public void conditionalGru(
      int n,
      MemorySegment z,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment h) {
    Kernels.conditionalGru(
        RowLayout.padded(n),
        z.address(),
        stateSums.address(),
        inputSums.address(),
        bias.address(),
        h.address());
  }

  @Override
  public void gru(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment h) {
    Kernels.gru(
        RowLayout.padded(n), stateSums.address(), inputSums.address(), bias.address(), h.address());
  }

  @Override
  public void apply(
      Pointwise function, float a, float b, int n, MemorySegment values, MemorySegment out) {
    Kernels.apply(function.ordinal(), a, b, RowLayout.padded(n), values.address(), out.address());
  }

  @Override
  public void multiply(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    Kernels.multiply(RowLayout.padded(n), left.address(), right.address(), out.address());
  }

  @Override
  public void addProduct(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    Kernels.addProduct(RowLayout.padded(n), left.address(), right.address(), out.address());
  }

  @Override
  public void carry(
      int n, MemorySegment keep, MemorySegment gate, MemorySegment value, MemorySegment state) {
    Kernels.carry(
        RowLayout.padded(n), keep.address(), gate.address(), value.address(), state.address());
  }

  @Override
  public void blend(int n, MemorySegment z, MemorySegment c, MemorySegment h) {
    Kernels.blend(RowLayout.padded(n), z.address(), c.address(), h.address());
  }

  @Override
  public void softmax(int n, MemorySegment sums, MemorySegment bias, MemorySegment out) {
    Kernels.softmax(n, RowLayout.padded(n), sums.address(), bias.address(), out.address());
  }
}
