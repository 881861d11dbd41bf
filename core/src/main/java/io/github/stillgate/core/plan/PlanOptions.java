package io.github.stillgate.core.plan;

import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How a plan is to be made: begin with {@link #defaults} and change what is to be different.
 *
 * <p>Immutable.
 */
public final class PlanOptions {
  /** The input bound when none is given: 2^20. */
  public static final float DEFAULT_INPUT_BOUND = 0x1p20f;

  private static final PlanOptions DEFAULTS =
      new PlanOptions(
          Optional.empty(),
          Skipping.STILL_UNITS,
          DEFAULT_INPUT_BOUND,
          OptionalDouble.empty(),
          WeightFormat.F32);

  private final Optional<String> backend;
  private final Skipping skipping;
  private final float inputBound;
  private final OptionalDouble crossover;
  private final WeightFormat weights;

  private PlanOptions(
      Optional<String> backend,
      Skipping skipping,
      float inputBound,
      OptionalDouble crossover,
      WeightFormat weights) {
    this.backend = backend;
    this.skipping = skipping;
    this.inputBound = inputBound;
    this.crossover = crossover;
    this.weights = weights;
  }

  /** The best backend, skipping still units, inputs up to 2^20, float32 weights. */
  public static PlanOptions defaults() {
    return DEFAULTS;
  }

  /** Name of the backend, or empty to let {@link Backends} decide. */
  public Optional<String> backend() {
    return backend;
  }

  /** What is left out. */
  public Skipping skipping() {
    return skipping;
  }

  /**
   * Largest magnitude an input value may have; a step refuses larger ones, and a plan refuses weights
   * that could overflow under it.
   */
  public float inputBound() {
    return inputBound;
  }

  /**
   * Live fraction from which on a step computes every unit; if it is empty, {@link Plan#warmUp}
   * measures it for each layer, and until then no step does.
   */
  public OptionalDouble crossover() {
    return crossover;
  }

  /** How matrices are kept. */
  public WeightFormat weights() {
    return weights;
  }

  /** These options with one backend demanded by name. */
  public PlanOptions withBackend(String name) {
    return new PlanOptions(Optional.of(name), skipping, inputBound, crossover, weights);
  }

  /** These options with other skipping. */
  public PlanOptions withSkipping(Skipping other) {
    return new PlanOptions(
        backend, Objects.requireNonNull(other), inputBound, crossover, weights);
  }

  /**
   * These options with another input bound; a model that reads tokens keeps its own, 1.
   *
   * @throws IllegalArgumentException if the bound is not a positive finite number
   */
  public PlanOptions withInputBound(float bound) {
    if (!(bound > 0 && bound <= Float.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "input bound %s; expected a positive finite number".formatted(bound));
    }
    return new PlanOptions(backend, skipping, bound, crossover, weights);
  }

  /**
   * These options with a recorded crossover, above 1 for never.
   *
   * @throws IllegalArgumentException if the fraction is below 0
   */
  public PlanOptions withCrossover(double fraction) {
    if (!(fraction >= 0)) {
      throw new IllegalArgumentException(
          "crossover %s; expected a live fraction from 0 on".formatted(fraction));
    }
    return new PlanOptions(
        backend, skipping, inputBound, OptionalDouble.of(fraction), weights);
  }

  /** These options with matrices kept in another format. */
  public PlanOptions withWeights(WeightFormat format) {
    return new PlanOptions(
        backend, skipping, inputBound, crossover, Objects.requireNonNull(format));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PlanOptions o
        && backend.equals(o.backend)
        && skipping.equals(o.skipping)
        && Float.compare(inputBound, o.inputBound) == 0
        && crossover.equals(o.crossover)
        && weights == o.weights;
  }

  @Override
  public int hashCode() {
    return Objects.hash(backend, skipping, inputBound, crossover, weights);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "backend %s, %s, inputs up to %s, crossover %s, weights %s",
        backend.orElse("chosen"),
        skipping,
        inputBound,
        crossover.isPresent() ? crossover.getAsDouble() : "measured",
        weights);
  }
}
