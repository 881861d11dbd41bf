package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Operation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A dense layer, or an embedding, which is one over one-hot inputs. It has no gates and keeps no
 * state.
 *
 * <p>The rows of a dense layer are summed one by one: an output layer has few, and a panel would be
 * filled up with zeros. Those of an embedding lie in panels, which hold a token's column as it is
 * needed, so that its weights are kept once.
 */
public final class DenseStage extends Stage {
  private final boolean linear;
  private final @Nullable Elementwise elementwise;
  private final VectorOps ops;
  private final Pack rows;
  private final MemorySegment bias;
  private final ActiveSet all;

  private DenseStage(Dense layer, Bounds bounds, Packing packing, Pack rows) {
    super(layer, outputBound(layer, bounds), List.of(), List.of(rows));
    this.linear = layer.activation().equals(Activation.LINEAR);
    this.ops = packing.backend().vectors();
    this.elementwise =
        layer.activation() instanceof Activation.Elementwise f ? new Elementwise(f, ops) : null;
    this.rows = rows;
    this.bias = packing.vectors(layer.b());
    this.all = ActiveSet.all(rows.layout().groups(), packing.memory());
  }

  private static double outputBound(Dense layer, Bounds bounds) {
    double sums = bounds.sums(layer.w(), layer.b());
    return switch (layer.activation()) {
      case Activation.Softmax _ -> 1;
      case Activation.Elementwise f -> bounds.of(f, sums);
    };
  }

  /** Packs a dense layer. */
  public static DenseStage of(Dense layer, double inputBound, Packing packing) {
    Pack rows = packing.denseRows(OperandBound.input(inputBound), layer.w());
    return new DenseStage(layer, new Bounds(layer.name(), inputBound), packing, rows);
  }

  /**
   * The same in a graph, whose values are clipped to plus and minus {@link Operation#LIMIT} where
   * they could reach beyond.
   */
  public static DenseStage ofGraph(Dense layer, double inputBound, Packing packing) {
    boolean reachesBeyond =
        outputBound(layer, new Bounds(layer.name(), inputBound)) > Operation.LIMIT;
    return of(
        reachesBeyond && layer.activation() instanceof Activation.Elementwise f
            ? new Dense(
                layer.name(), layer.w(), layer.b(), f.then(Activation.clip(Operation.LIMIT)))
            : layer,
        inputBound,
        packing);
  }

  /** Packs an embedding. */
  public static DenseStage of(Embedding layer, double inputBound, Packing packing) {
    Dense dense = layer.asDense();
    Pack rows = packing.dense(List.of(OperandBound.input(inputBound)), List.of(dense.w()));
    return new DenseStage(dense, new Bounds(layer.name(), inputBound), packing, rows);
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand input = inputs.getFirst();
    Product product = new Product(rows, scratch, 1, input);
    Operand output = new Operand(outputs(), scratch);
    return Run.plain(output, Phase.fixed(product, all, () -> finish(product, output.floats())));
  }

  private void finish(Product product, MemorySegment out) {
    int n = outputs();
    ops.add(n, product.sums(0), bias, out);
    if (elementwise == null) {
      ops.softmax(n, out, out);
    } else if (!linear) {
      elementwise.apply(n, out, out);
    }
  }
}
