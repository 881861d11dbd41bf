package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.Operation;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Locale;

/**
 * An {@link Operation}: it packs nothing and keeps nothing. What could reach beyond {@link
 * Operation#LIMIT} is clipped to it.
 */
abstract class OperationStage extends Stage {
  /** The largest magnitude of what an operation reads; products of two are finite. */
  private static final double LARGEST_OPERAND = 8.0 * Operation.LIMIT;

  /**
   * The largest magnitude, 2^49, of what is multiplied with something like it and summed: sums of
   * up to {@link io.github.stillgate.core.model.Graph#MAX_VALUES} such products are finite.
   */
  static final float LARGEST_FACTOR = 0x1p49f;

  private final VectorOps ops;
  private final boolean clips;

  /**
   * What every operation says of itself.
   *
   * @param reach bound on the magnitude of what it computes, before it is clipped
   */
  OperationStage(Operation layer, double reach, VectorOps ops) {
    super(layer, Math.min(Operation.LIMIT, reach), List.of(), List.of());
    this.ops = ops;
    this.clips = reach > Operation.LIMIT;
  }

  /**
   * The bounds of what a layer reads, as they are.
   *
   * @throws IllegalArgumentException if products of them could overflow float32
   */
  static List<Double> operands(Operation layer, List<Double> bounds) {
    for (double bound : bounds) {
      if (!(bound <= LARGEST_OPERAND)) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "layer %s: what it reads could reach %.3g; at most %.3g is taken. Clip it"
                    + " (Activation.clip) or scale the weights of the layer before",
                layer.name(),
                bound,
                LARGEST_OPERAND));
      }
    }
    return bounds;
  }

  final VectorOps ops() {
    return ops;
  }

  /** Clips what the operation computed, if it could reach beyond the limit. */
  final void clip(MemorySegment out) {
    if (clips) {
      ops.apply(Pointwise.CLAMP, -Operation.LIMIT, Operation.LIMIT, outputs(), out, out);
    }
  }

  /** {@code out} is {@code values} cut to plus and minus {@link #LARGEST_FACTOR}. */
  final void cut(int n, MemorySegment values, MemorySegment out) {
    ops.apply(Pointwise.CLAMP, -LARGEST_FACTOR, LARGEST_FACTOR, n, values, out);
  }
}
