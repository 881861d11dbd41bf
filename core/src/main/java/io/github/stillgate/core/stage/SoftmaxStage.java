package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.model.Softmax;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** The softmax of each row, which is taken to memory of its own where there are several. */
public final class SoftmaxStage extends OperationStage {
  private final int rows;
  private final int columns;

  /**
   * A stage.
   *
   * @param bounds of what it reads, a single one
   */
  public SoftmaxStage(Softmax layer, List<Double> bounds, Packing packing) {
    operands(layer, bounds);
    super(layer, 1, packing.backend().vectors());
    this.rows = layer.rows();
    this.columns = layer.columns();
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand output = new Operand(outputs(), scratch);
    MemorySegment values = inputs.getFirst().floats();
    MemorySegment row = Lanes.floats(columns, scratch);
    return Run.plain(
        output,
        Phase.elementwise(
            rows == 1
                ? () -> ops().softmax(columns, values, output.floats())
                : () -> softmax(values, row, output.floats())));
  }

  private void softmax(MemorySegment values, MemorySegment row, MemorySegment out) {
    long bytes = 4L * columns;
    for (int i = 0; i < rows; i++) {
      MemorySegment.copy(values, i * bytes, row, 0, bytes);
      ops().softmax(columns, row, row);
      MemorySegment.copy(row, 0, out, i * bytes, bytes);
    }
  }
}
