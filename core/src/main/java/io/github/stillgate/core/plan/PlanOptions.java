package io.github.stillgate.core.plan;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How a plan is to be made.
 *
 * <p>Immutable.
 *
 * @param backend name of the backend, or empty to let {@link Backends} decide
 * @param skipping what is left out
 * @param inputBound largest magnitude an input value may have; a step refuses larger ones, and a
 *     plan refuses weights that could overflow under it
 * @param crossover live fraction from which on a step computes every unit; if it is empty, {@link
 *     Plan#warmUp} measures it for each layer, and until then no step does
 */
public record PlanOptions(
    Optional<String> backend, Skipping skipping, float inputBound, OptionalDouble crossover) {
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
    crossover.ifPresent(fraction -> {
      if (!(fraction >= 0)) {
        throw new IllegalArgumentException(
            "crossover %s; expected a live fraction from 0 on".formatted(fraction));
      }
    });
  }

  /** The best backend, skipping still units, inputs up to 2^20. */
  public static PlanOptions defaults() {
    return new PlanOptions(
        Optional.empty(), Skipping.STILL_UNITS, DEFAULT_INPUT_BOUND, OptionalDouble.empty());
  }

  /** These options with one backend demanded by name. */
  public PlanOptions withBackend(String name) {
    return new PlanOptions(Optional.of(name), skipping, inputBound, crossover);
  }

  /** These options with other skipping. */
  public PlanOptions withSkipping(Skipping other) {
    return new PlanOptions(backend, other, inputBound, crossover);
  }

  /** These options with another input bound; a model that reads tokens keeps its own, 1. */
  public PlanOptions withInputBound(float bound) {
    return new PlanOptions(backend, skipping, bound, crossover);
  }

  /** These options with a recorded crossover, above 1 for never. */
  public PlanOptions withCrossover(double fraction) {
    return new PlanOptions(backend, skipping, inputBound, OptionalDouble.of(fraction));
  }
}
