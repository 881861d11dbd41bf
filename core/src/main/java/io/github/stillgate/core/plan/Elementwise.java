package io.github.stillgate.core.plan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.Activation;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** An {@link Activation.Elementwise} ready to run. Immutable. */
final class Elementwise {
  private final Cells cells;
  private final Activation.Step[] steps;

  Elementwise(Activation.Elementwise activation, Cells cells) {
    this.cells = cells;
    List<Activation.Step> listed = activation.steps();
    // No step is one that copies and, like all others, flushes.
    this.steps =
        listed.isEmpty()
            ? new Activation.Step[] {new Activation.Step(Activation.Function.AFFINE, 1, 0)}
            : listed.toArray(new Activation.Step[0]);
  }

  /** Whether this is the one function {@code function}. */
  boolean isOnly(Activation.Function function) {
    return steps.length == 1 && steps[0].function() == function;
  }

  /**
   * {@code out = f(values)} over n elements; the padding of {@code out} becomes +0, since f(0) need
   * not be 0 and what a layer gives is multiplied by the next. More than one step overwrites the
   * values too.
   *
   * @param values bounded and finite
   * @param out other memory
   */
  void apply(int n, MemorySegment values, MemorySegment out) {
    MemorySegment from = values;
    MemorySegment to = out;
    for (Activation.Step step : steps) {
      cells.apply(kernel(step.function()), step.a(), step.b(), n, from, to);
      MemorySegment read = from;
      from = to;
      to = read;
    }
    if (from != out) {
      MemorySegment.copy(from, JAVA_FLOAT, 0, out, JAVA_FLOAT, 0, RowLayout.padded(n));
    }
    for (int i = n; i < RowLayout.padded(n); i++) {
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
    };
  }
}
