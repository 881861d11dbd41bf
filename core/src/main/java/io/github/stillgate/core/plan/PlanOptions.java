package io.github.stillgate.core.plan;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
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
          Map.of(),
          false);

  private final Optional<String> backend;
  private final Skipping skipping;
  private final float inputBound;
  private final OptionalDouble crossover;
  private final WeightFormat weights;
  private final Map<String, WeightFormat> layerWeights;
  private final boolean blas;

  private PlanOptions(
      Optional<String> backend,
      Skipping skipping,
      float inputBound,
      OptionalDouble crossover,
      WeightFormat weights,
      Map<String, WeightFormat> layerWeights,
      boolean blas) {
    this.backend = backend;
    this.skipping = skipping;
    this.inputBound = inputBound;
    this.crossover = crossover;
    this.weights = weights;
    this.layerWeights = layerWeights;
    this.blas = blas;
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
        Optional.of(name), skipping, inputBound, crossover, weights, layerWeights, blas);
  }

  /** These options with other skipping. */
  public PlanOptions withSkipping(Skipping other) {
    return new PlanOptions(
        backend, Objects.requireNonNull(other), inputBound, crossover, weights, layerWeights, blas);
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
    return new PlanOptions(backend, skipping, bound, crossover, weights, layerWeights, blas);
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
        backend, skipping, inputBound, OptionalDouble.of(fraction), weights, layerWeights, blas);
  }

  /** How the matrices of layers are kept that are to be kept in another way, by their names. */
  public Map<String, WeightFormat> layerWeights() {
    return layerWeights;
  }

  /** How the matrices of one layer are kept. */
  public WeightFormat weights(String layer) {
    return layerWeights.getOrDefault(layer, weights);
  }

  /** These options with matrices kept in another format, but for those of layers named before. */
  public PlanOptions withWeights(WeightFormat format) {
    return new PlanOptions(
        backend,
        skipping,
        inputBound,
        crossover,
        Objects.requireNonNull(format),
        layerWeights,
        blas);
  }

  /**
   * These options with the matrices of one layer kept in another format; a plan of a model that has
   * no such layer refuses them. A pair of directions is one layer.
   */
  public PlanOptions withWeights(String layer, WeightFormat format) {
    Map<String, WeightFormat> more = new LinkedHashMap<>(layerWeights);
    more.put(Objects.requireNonNull(layer), Objects.requireNonNull(format));
    return new PlanOptions(
        backend, skipping, inputBound, crossover, weights, Collections.unmodifiableMap(more), blas);
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
    return new PlanOptions(backend, skipping, inputBound, crossover, weights, layerWeights, true);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PlanOptions o
        && backend.equals(o.backend)
        && skipping.equals(o.skipping)
        && Float.compare(inputBound, o.inputBound) == 0
        && crossover.equals(o.crossover)
        && weights == o.weights
        && layerWeights.equals(o.layerWeights)
        && blas == o.blas;
  }

  @Override
  public int hashCode() {
    return Objects.hash(backend, skipping, inputBound, crossover, weights, layerWeights, blas);
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
        layerWeights.isEmpty() ? "" : " but for " + layerWeights,
        blas ? ", with a BLAS" : "");
  }
}
