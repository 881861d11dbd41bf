package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.model.MatrixProduct;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** The product of two matrices that are computed. */
public final class MatrixProductStage extends OperationStage {
  private final MatrixProduct layer;
  private final boolean cutsLeft;
  private final boolean cutsRight;

  /**
   * A stage.
   *
   * @param bounds of the two matrices
   */
  public MatrixProductStage(MatrixProduct layer, List<Double> bounds, Packing packing) {
    super(layer, reach(layer, operands(layer, bounds)), packing.backend().vectors());
    this.layer = layer;
    this.cutsLeft = bounds.getFirst() > LARGEST_FACTOR;
    this.cutsRight = bounds.getLast() > LARGEST_FACTOR;
  }

  private static double reach(MatrixProduct layer, List<Double> bounds) {
    double left = Math.min(LARGEST_FACTOR, bounds.getFirst());
    double right = Math.min(LARGEST_FACTOR, bounds.getLast());
    return left * right * layer.inner() * (1 + layer.inner() * 0x1p-23);
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand output = new Operand(outputs(), scratch);
    Operand left = inputs.getFirst();
    Operand right = inputs.getLast();
    MemorySegment a = cutsLeft ? new Operand(left.width(), scratch).floats() : left.floats();
    MemorySegment b = cutsRight ? new Operand(right.width(), scratch).floats() : right.floats();
    return Run.plain(output, Phase.elementwise(() -> multiply(left, a, right, b, output.floats())));
  }

  private void multiply(
      Operand left, MemorySegment a, Operand right, MemorySegment b, MemorySegment out) {
    if (cutsLeft) {
      cut(left.width(), left.floats(), a);
    }
    if (cutsRight) {
      cut(right.width(), right.floats(), b);
    }
    ops().matrixProduct(layer.rows(), layer.inner(), layer.columns(), a, b, out);
    clip(out);
  }
}
