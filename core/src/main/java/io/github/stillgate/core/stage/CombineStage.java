package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pairwise;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Operation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** Two vectors value by value. */
public final class CombineStage extends OperationStage {
  private final Combine.Kind kind;

  /**
   * A stage.
   *
   * @param bounds of the two vectors
   */
  public CombineStage(Combine layer, List<Double> bounds, Packing packing) {
    super(layer, reach(layer, operands(layer, bounds)), packing.backend().vectors());
    this.kind = layer.kind();
  }

  private static double reach(Combine layer, List<Double> bounds) {
    double a = bounds.getFirst();
    double b = bounds.getLast();
    return switch (layer.kind()) {
      case ADD, SUBTRACT -> Bounds.ROUNDING * (a + b);
      case MULTIPLY -> Bounds.ROUNDING * a * b;
      case DIVIDE, POWER -> Operation.LIMIT;
      case MINIMUM, MAXIMUM -> Math.max(a, b);
      case LEAK -> Math.max(a, Math.min(Operation.LIMIT, Bounds.ROUNDING * a * b));
    };
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand output = new Operand(outputs(), scratch);
    MemorySegment a = inputs.getFirst().floats();
    MemorySegment b = inputs.getLast().floats();
    return Run.plain(output, Phase.elementwise(() -> combine(a, b, output.floats())));
  }

  private void combine(MemorySegment a, MemorySegment b, MemorySegment out) {
    int n = outputs();
    switch (kind) {
      case ADD -> ops().add(n, a, b, out);
      case SUBTRACT -> ops().subtract(n, a, b, out);
      case MULTIPLY -> ops().multiply(n, a, b, out);
      case DIVIDE -> ops().combine(Pairwise.DIVIDE, n, a, b, out);
      case MINIMUM -> ops().combine(Pairwise.MINIMUM, n, a, b, out);
      case MAXIMUM -> ops().combine(Pairwise.MAXIMUM, n, a, b, out);
      case POWER -> ops().combine(Pairwise.POWER, n, a, b, out);
      case LEAK -> ops().combine(Pairwise.LEAK, n, a, b, out);
    }
    clip(out);
  }
}
