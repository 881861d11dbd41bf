package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.Activation;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** An {@link Activation.Elementwise} ready to run. Immutable. */
final class Elementwise {
  private final VectorOps ops;
  private final Activation.Step[] steps;

  Elementwise(Activation.Elementwise activation, VectorOps ops) {
    this(activation.steps(), ops);
  }

  Elementwise(List<Activation.Step> listed, VectorOps ops) {
    this.ops = ops;
    // No step is one that copies.
    this.steps =
        listed.isEmpty()
            ? new Activation.Step[] {new Activation.Step(Activation.Function.AFFINE, 1, 0)}
            : listed.toArray(new Activation.Step[0]);
  }

  /**
   * {@code out = f(values)} over n elements; the padding of {@code out} becomes +0, since f(0) need
   * not be 0 and what a layer returns is multiplied by the next.
   *
   * @param values bounded and finite
   * @param out may be {@code values}, which stay otherwise
   */
  void apply(int n, MemorySegment values, MemorySegment out) {
    MemorySegment from = values;
    for (Activation.Step step : steps) {
      ops.apply(kernel(step.function()), step.a(), step.b(), n, from, out);
      from = out;
    }
    for (int i = n; i < Lanes.padded(n); i++) {
      out.setAtIndex(JAVA_FLOAT, i, 0f);
    }
  }

  /** The floor's name for a function; its formula there says the order of operations too. */
  private static Pointwise kernel(Activation.Function function) {
    return switch (function) {
      case SIGMOID -> Pointwise.SIGMOID;
      case TANH -> Pointwise.TANH;
      case AFFINE -> Pointwise.AFFINE;
      case CLAMP -> Pointwise.CLAMP;
      case LEAK -> Pointwise.LEAK;
      case THRESHOLD -> Pointwise.THRESHOLD;
      case ELU -> Pointwise.ELU;
      case SOFTSIGN -> Pointwise.SOFTSIGN;
      case EXP -> Pointwise.EXP;
      case LOG -> Pointwise.LOG;
      case SQRT -> Pointwise.SQRT;
      case POWER -> Pointwise.POWER;
      case RECIPROCAL -> Pointwise.RECIPROCAL;
      case ABS -> Pointwise.ABS;
      case FLOOR -> Pointwise.FLOOR;
      case ERF -> Pointwise.ERF;
      case SOFTPLUS -> Pointwise.SOFTPLUS;
      case GELU -> Pointwise.GELU;
      case SILU -> Pointwise.SILU;
    };
  }
}
