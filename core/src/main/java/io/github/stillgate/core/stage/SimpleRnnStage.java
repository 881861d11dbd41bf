package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.model.SimpleRnn;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** A recurrent layer without gates: every row is read in every step. */
public final class SimpleRnnStage extends Stage {
  private final Backend backend;
  private final Elementwise activation;
  private final Pack rows;
  private final MemorySegment bias;
  private final ActiveSet all;

  /** Packs {@code layer}. */
  public SimpleRnnStage(SimpleRnn layer, double inputBound, Packing packing) {
    Bounds bounds = packing.bounds(layer.name(), inputBound);
    double outputBound = bounds.bounded(layer.activation()) * Bounds.ROUNDING;
    double bound = bounds.state(layer.initialState().h(), outputBound);
    bounds.of(layer.activation(), bounds.sums(layer.w(), layer.u(), bound, layer.b()));
    Pack rows =
        packing.dense(
            List.of(OperandBound.input(inputBound), OperandBound.state(bound)),
            List.of(layer.w()),
            List.of(layer.u()));
    super(layer, outputBound, List.of(hidden(layer, bound)), List.of(rows));
    this.backend = packing.backend();
    this.activation = new Elementwise(layer.activation(), backend.vectors());
    this.rows = rows;
    this.bias = packing.vectors(layer.b());
    this.all = ActiveSet.all(rows.layout().groups(), packing.memory());
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand input = inputs.getFirst();
    Operand h = new Operand(outputs(), state);
    Product product = new Product(rows, scratch, 1, input, h);
    return Run.ungated(h, outputs(), Phase.fixed(product, all, () -> finish(product, h.floats())));
  }

  private void finish(Product product, MemorySegment h) {
    int n = outputs();
    backend.cells().preactivate(n, product.sums(0), product.sums(1), bias, h);
    activation.apply(n, h, h);
    backend.vectors().flush(n, h, h);
  }
}
