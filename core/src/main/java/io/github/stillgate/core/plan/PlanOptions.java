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
          WeightFormat.F32,
          false,
          Threads.ONE);

  private final Optional<String> backend;
  private final Skipping skipping;
  private final float inputBound;
  private final OptionalDouble crossover;
  private final WeightFormat weights;
  private final boolean blas;
  private final Threads threads;

  private PlanOptions(
      Optional<String> backend,
      Skipping skipping,
      float inputBound,
      OptionalDouble crossover,
      WeightFormat weights,
      boolean blas,
      Threads threads) {
    this.backend = backend;
    this.skipping = skipping;
    this.inputBound = inputBound;
    this.crossover = crossover;
    this.weights = weights;
    this.blas = blas;
    this.threads = threads;
  }

  /** The best backend, skipping still units, inputs up to 2^20, float32 weights, one thread. */
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
   * Largest magnitude an input value may have; a step refuses larger ones, and a plan refuses
   * weights that could overflow under it.
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
    return new PlanOptions(
        Optional.of(name), skipping, inputBound, crossover, weights, blas, threads);
  }

  /** These options with other skipping. */
  public PlanOptions withSkipping(Skipping other) {
    return new PlanOptions(
        backend, Objects.requireNonNull(other), inputBound, crossover, weights, blas, threads);
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
    return new PlanOptions(backend, skipping, bound, crossover, weights, blas, threads);
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
        backend, skipping, inputBound, OptionalDouble.of(fraction), weights, blas, threads);
  }

  /** These options with matrices kept in another format. */
  public PlanOptions withWeights(WeightFormat format) {
    return new PlanOptions(
        backend, skipping, inputBound, crossover, Objects.requireNonNull(format), blas, threads);
  }

  /** Whether a BLAS serves whole dense products of many streams or steps. */
  public boolean blas() {
    return blas;
  }

  /**
   * These options with the system's BLAS for whole dense products of batches and sequences: what
   * {@link io.github.stillgate.core.session.BatchSession} multiplies for several streams and {@link
   * io.github.stillgate.core.session.Sequence} for several steps in layers whose units are all
   * live. Off by default: a BLAS sums in an order of its own, so outputs then depend on the
   * library, the machine and the number of streams. Each sum w x stays within {@code (width + 1)
   * 2^-23} times the L1 norm of its row times the largest operand of what it is otherwise. Gates of
   * conditional layers keep their order, and single sessions are as without it. The matrices are
   * kept twice.
   *
   * <p>A plan refuses it with a {@link BackendUnavailableException} where there is no BLAS. It
   * needs the module {@code stillgate-kernels-native} and a library such as OpenBLAS, or netlib's
   * BLAS in Java on the class path, which allocates in every product.
   */
  public PlanOptions withBlas() {
    return new PlanOptions(backend, skipping, inputBound, crossover, weights, true, threads);
  }

  /** Which threads share a step. */
  public Threads threads() {
    return threads;
  }

  /**
   * These options with large products of a step shared by {@code count} threads: the one that calls
   * {@link io.github.stillgate.core.session.Session#step} and workers of the plan. 1 by default,
   * which is the caller alone. The bits do not depend on it.
   *
   * @throws IllegalArgumentException if the count is not 1 to {@link Threads#MOST}
   */
  public PlanOptions withThreads(int count) {
    return withThreads(Threads.of(count));
  }

  /** The same with a say in how workers wait and what is shared. */
  public PlanOptions withThreads(Threads other) {
    return new PlanOptions(
        backend, skipping, inputBound, crossover, weights, blas, Objects.requireNonNull(other));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PlanOptions o
        && backend.equals(o.backend)
        && skipping.equals(o.skipping)
        && Float.compare(inputBound, o.inputBound) == 0
        && crossover.equals(o.crossover)
        && weights == o.weights
        && blas == o.blas
        && threads.equals(o.threads);
  }

  @Override
  public int hashCode() {
    return Objects.hash(backend, skipping, inputBound, crossover, weights, blas, threads);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "backend %s, %s, inputs up to %s, crossover %s, weights %s%s%s",
        backend.orElse("chosen"),
        skipping,
        inputBound,
        crossover.isPresent() ? crossover.getAsDouble() : "measured",
        weights,
        blas ? ", with a BLAS" : "",
        threads.count() == 1 ? "" : ", " + threads);
  }
}
