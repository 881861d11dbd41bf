package io.github.stillgate.core.plan;

import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Reset;
import java.util.Locale;

/**
 * What a plan leaves out. {@link #NOTHING} and {@link #STILL_UNITS} give the same bits; {@link
 * #below} is approximate.
 *
 * @param stillUnits whether the rows of units that stand still are not read, unless so many are
 *     live that reading everything is faster ({@link Plan#crossover}), and rows of nothing but
 *     zeros never: those of a constant gate
 * @param epsilon gate mass below which a unit of an ordinary GRU is left still; 0 for exact results
 */
public record Skipping(boolean stillUnits, float epsilon) {
  /**
   * The rows of still units are not read. Nor are rows whose weights are all 0, in layers whose
   * units are all live: they are not even packed. The gate of such a row is constant (structured
   * sparsification of gated recurrent networks, section 2.1). The result is exact: a row of zeros
   * sums to +0.
   */
  public static final Skipping STILL_UNITS = new Skipping(true, 0);

  /**
   * Every unit is computed, rows of zeros too, and still units are then left as they were: the
   * dense baseline.
   */
  public static final Skipping NOTHING = new Skipping(false, 0);

  /** Checks epsilon. */
  public Skipping {
    if (!(epsilon >= 0 && epsilon < 1)) {
      throw new IllegalArgumentException(
          "epsilon %s; expected a number from 0 to 1, exclusive".formatted(epsilon));
    }
    if (epsilon > 0 && !stillUnits) {
      throw new IllegalArgumentException("epsilon %s, but nothing is skipped".formatted(epsilon));
    }
  }

  /**
   * Approximate: units of an ordinary GRU also stand still while their gates are nearly shut. A
   * sigmoid gate z never reaches 0, so what a unit skips is carried, {@code m = m + z}; when m
   * exceeds epsilon the unit moves by all of it, {@code h' = h + min(m, 1) (c - h)}, and m is 0
   * again. So a unit whose gate is small but steady follows its candidate and does not stay behind.
   *
   * <p>A state is never further than {@code epsilon} of the way to its candidate behind. Applies to
   * {@link io.github.stillgate.core.model.Gru} layers with the reset after the matrix and the
   * papers' activations; all other layers stay exact. All gates are read in every step, so a layer
   * becomes at most three times as fast; unless it has a {@link
   * io.github.stillgate.core.model.GateEstimate}, and then only the gates of units that the
   * estimate would make move: {@code m + sigmoid(a^) > epsilon}. The others carry the estimate, so
   * that a state stays as near as the estimate is right.
   *
   * @param epsilon above 0 and below 1
   */
  public static Skipping below(float epsilon) {
    if (!(epsilon > 0)) {
      throw new IllegalArgumentException(
          "epsilon %s; expected a number above 0 and below 1".formatted(epsilon));
    }
    return new Skipping(true, epsilon);
  }

  /** Whether steps have the bits of the model. */
  public boolean isExact() {
    return epsilon == 0;
  }

  /**
   * Whether units of {@code layer} stand still that would move in the model: {@link #below} was
   * asked for, and the layer is, or holds, an ordinary GRU it applies to.
   */
  public boolean approximates(Layer layer) {
    return !isExact()
        && switch (layer) {
          case Gru gru ->
              gru.reset() instanceof Reset.AfterMatrix
                  && gru.activations().equals(Gru.Activations.STANDARD);
          case Bidirectional pair -> approximates(pair.forward()) || approximates(pair.backward());
          case Backward backward -> approximates(backward.layer());
          default -> false;
        };
  }

  @Override
  public String toString() {
    if (!stillUnits) {
      return "nothing skipped";
    }
    return isExact()
        ? "still units skipped"
        : String.format(Locale.ROOT, "gates below %s skipped (approximate)", epsilon);
  }
}
