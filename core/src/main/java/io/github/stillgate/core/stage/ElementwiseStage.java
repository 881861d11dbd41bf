package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.model.Activation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** A function of each value alone. */
public final class ElementwiseStage extends OperationStage {
  /** What copies values as they are, -0 too. */
  private static final Activation.Step COPY = new Activation.Step(Activation.Function.LEAK, 1, 0);

  private final Elementwise function;

  /**
   * A stage.
   *
   * @param bounds of what it reads, a single one
   */
  public ElementwiseStage(
      io.github.stillgate.core.model.Elementwise layer, List<Double> bounds, Packing packing) {
    double bound = operands(layer, bounds).getFirst();
    List<Activation.Step> steps = new Bounds(layer.name(), bound).clipped(layer.function(), bound);
    super(layer, Bounds.reach(steps, bound), packing.backend().vectors());
    this.function = new Elementwise(steps.isEmpty() ? List.of(COPY) : steps, ops());
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand output = new Operand(outputs(), scratch);
    MemorySegment values = inputs.getFirst().floats();
    return Run.plain(
        output, Phase.elementwise(() -> function.apply(outputs(), values, output.floats())));
  }
}
