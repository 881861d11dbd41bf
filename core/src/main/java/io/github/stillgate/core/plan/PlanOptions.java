package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.Backends;
import java.util.Objects;
import java.util.Optional;

/**
 * How a plan is to be made.
 *
 * <p>Immutable.
 *
 * @param backend name of the backend, or empty to let {@link Backends#choose} decide
 * @param skipping what is left out
 * @param inputBound largest magnitude an input value may have; a step refuses larger ones, and a
 *     plan refuses weights that could overflow under it
 */
public record PlanOptions(Optional<String> backend, Skipping skipping, float inputBound) {
  /** The input bound when none is given: 2^20. */
  public static final float DEFAULT_INPUT_BOUND = 0x1p20f;

  /** Checks the bound. */
  public PlanOptions {
    Objects.requireNonNull(backend);
    Objects.requireNonNull(skipping);
    if (!(inputBound > 0 && inputBound <= Float.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "input bound %s; expected a positive finite number".formatted(inputBound));
    }
  }

  /** The best backend, skipping still units, inputs up to 2^20. */
  public static PlanOptions defaults() {
    return new PlanOptions(Optional.empty(), Skipping.STILL_UNITS, DEFAULT_INPUT_BOUND);
  }

  /** These options with one backend demanded by name. */
  public PlanOptions withBackend(String name) {
    return new PlanOptions(Optional.of(name), skipping, inputBound);
  }

  /** These options with other skipping. */
  public PlanOptions withSkipping(Skipping other) {
    return new PlanOptions(backend, other, inputBound);
  }

  /** These options with another input bound. */
  public PlanOptions withInputBound(float bound) {
    return new PlanOptions(backend, skipping, bound);
  }
}
