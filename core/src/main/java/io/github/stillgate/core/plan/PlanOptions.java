package io.github.stillgate.core.plan;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;

/**
 * How a plan is to be made: begin with {@link #defaults} and change what is to be different.
 *
 * <p>Immutable.
 */
public final class PlanOptions {
  /** The input bound when none is given: 2^20. */
  public static final float DEFAULT_INPUT_BOUND = 0x1p20f;

  private static final PlanOptions DEFAULTS = new PlanOptions(new Draft());

  private final Optional<String> backend;
  private final Skipping skipping;
  private final float inputBound;
  private final float stateBound;
  private final OptionalDouble crossover;
  private final WeightFormat weights;
  private final Map<String, WeightFormat> layerWeights;
  private final boolean blas;
  private final Limits limits;
  private final Threads threads;

  private PlanOptions(Draft draft) {
    this.backend = draft.backend;
    this.skipping = draft.skipping;
    this.inputBound = draft.inputBound;
    this.stateBound = draft.stateBound;
    this.crossover = draft.crossover;
    this.weights = draft.weights;
    this.layerWeights = draft.layerWeights;
    this.blas = draft.blas;
    this.limits = draft.limits;
    this.threads = draft.threads;
  }

  /** Options while one of them is changed. */
  private static final class Draft {
    private Optional<String> backend = Optional.empty();
    private Skipping skipping = Skipping.STILL_UNITS;
    private float inputBound = DEFAULT_INPUT_BOUND;
    private float stateBound;
    private OptionalDouble crossover = OptionalDouble.empty();
    private WeightFormat weights = WeightFormat.F32;
    private Map<String, WeightFormat> layerWeights = Map.of();
    private boolean blas;
    private Limits limits = Limits.NONE;
    private Threads threads = Threads.ONE;
  }

  private PlanOptions with(Consumer<Draft> change) {
    Draft draft = new Draft();
    draft.backend = backend;
    draft.skipping = skipping;
    draft.inputBound = inputBound;
    draft.stateBound = stateBound;
    draft.crossover = crossover;
    draft.weights = weights;
    draft.layerWeights = layerWeights;
    draft.blas = blas;
    draft.limits = limits;
    draft.threads = threads;
    change.accept(draft);
    return new PlanOptions(draft);
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
   * Largest magnitude to which states of recurrent layers may be set beyond what their equations
   * reach; 0 if they may not.
   */
  public float stateBound() {
    return stateBound;
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
    Optional<String> named = Optional.of(name);
    return with(draft -> draft.backend = named);
  }

  /** These options with other skipping. */
  public PlanOptions withSkipping(Skipping other) {
    Objects.requireNonNull(other);
    return with(draft -> draft.skipping = other);
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
    return with(draft -> draft.inputBound = bound);
  }

  /**
   * These options with states of recurrent layers that may be set ({@link
   * io.github.stillgate.core.session.Session#state(String, float[])}) or restored up to {@code
   * bound} in magnitude: recorded elsewhere, or estimated, they can lie beyond what the layer
   * itself reaches, such as 1 for an ordinary GRU. The plan proves its sums for such states. The
   * values of a float32 or bf16 plan do not depend on it; an int8 plan ({@link WeightFormat#I8}) no
   * longer takes a state to lie within [-1, 1] once the bound is above, and so rounds it with
   * another scale. Where a layer reaches more anyway, or begins with more, that holds.
   *
   * @throws IllegalArgumentException if the bound is not a finite number from 0 on
   */
  public PlanOptions withStateBound(float bound) {
    if (!(bound >= 0 && bound <= Float.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "state bound %s; expected a finite number from 0 on".formatted(bound));
    }
    return with(draft -> draft.stateBound = bound);
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
    return with(draft -> draft.crossover = OptionalDouble.of(fraction));
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
    Objects.requireNonNull(format);
    return with(draft -> draft.weights = format);
  }

  /**
   * These options with the matrices of one layer kept in another format; a plan of a model that has
   * no such layer refuses them. A pair of directions is one layer.
   */
  public PlanOptions withWeights(String layer, WeightFormat format) {
    Map<String, WeightFormat> more = new LinkedHashMap<>(layerWeights);
    more.put(Objects.requireNonNull(layer), Objects.requireNonNull(format));
    return with(draft -> draft.layerWeights = Collections.unmodifiableMap(more));
  }

  /** What of a stream's movement is followed, and how much of its work a step may do. */
  public Limits limits() {
    return limits;
  }

  /**
   * These options with values of int8 plans ({@link WeightFormat#I8}) that moved by at most {@code
   * theta} counted as standing still: their columns are not read, and the sums remain those of the
   * value sent last.
   *
   * <pre>
   *   moved  = { k : |q(x_k) - sent_k| &gt; theta },  sent_k = q(x_k) for k in moved
   * </pre>
   *
   * One step of 1 in theta is one step of the operand's scale: at most 1/127 where it is proved to
   * lie within [-1, 1]. So a sum {@code w x} is off by at most {@code theta s L1(w)}, s being that
   * scale, in each step, and no error adds up. At 0, the default, outputs are exactly those of the
   * int8 network. Above, they depend on the steps before; {@link
   * io.github.stillgate.core.session.Session#reset} and {@link
   * io.github.stillgate.core.session.Session#state(String, float[])} forget what was sent, a
   * snapshot holds it. After Neil and others, "Delta Networks for Optimized Recurrent Network
   * Computation", 2017, equations 3 to 5.
   *
   * <p>It holds for operands with a fixed scale; others, tokens, and gated rows are multiplied as
   * ever.
   *
   * @param theta from 0 to 126
   * @throws IllegalArgumentException if it is not
   */
  public PlanOptions withMovementThreshold(int theta) {
    return with(limits.withThreshold(theta));
  }

  /**
   * The same for one layer, whatever holds for the others; a plan refuses a name that the model
   * does not have.
   */
  public PlanOptions withMovementThreshold(String layer, int theta) {
    return with(limits.withThreshold(layer, theta));
  }

  /**
   * These options with at most {@code values} values of each operand sent in one step, those that
   * moved most, of equal ones the first; the others wait for the next step. So the columns that a
   * step of an int8 plan reads are bounded, but for the first step after a state was replaced,
   * which makes sums anew. What was cut is in {@link
   * io.github.stillgate.core.session.StepStats#valuesHeldBack}.
   *
   * @throws IllegalArgumentException if it is below 1
   */
  public PlanOptions withMaxMoved(int values) {
    return with(limits.withMaxMoved(values));
  }

  /**
   * These options with at most {@code units} units of each gated layer live in one step, those with
   * the strongest gates, of equal ones the first; every other unit stands still in that step, as if
   * its gate were shut.
   *
   * <pre>
   *   live = the k units of largest a_i among those with a_i &gt; 0, of equal ones the first
   *   z_i  = cliptanh(a_i) for i in live, +0 for all others
   * </pre>
   *
   * Gated are {@link io.github.stillgate.core.model.ConditionalGru} and {@link
   * io.github.stillgate.core.model.ConditionalDense} layers; strengths are their gate
   * pre-activations a and scores s. Blocks are live or still as a whole, so that the {@code
   * floor(units / blockUnits)} strongest of them are live; a plan refuses fewer units than one
   * block has. Under {@link Skipping#below} the strength of an ordinary GRU's unit is the gate mass
   * it carries, and one that has to wait keeps its mass, up to 1.
   *
   * <p>The bound overrides {@link #withCrossover} and what is measured for it wherever a layer has
   * more units: no step reads them all. Outputs are those of the network with its gates cut so, bit
   * for bit the same on every backend, in batches and sequences, and with {@link Skipping#NOTHING},
   * which computes every unit and cuts the gates alike. What was cut is in {@link
   * io.github.stillgate.core.session.StepStats#unitsHeldBack}, what a step can cost then in {@link
   * Plan#mostBytesPerStep}.
   *
   * @throws IllegalArgumentException if it is below 1
   */
  public PlanOptions withMaxLive(int units) {
    return with(limits.withMaxLive(units));
  }

  /**
   * These options with a deadline for a step: {@link Plan#warmUp} measures, on this machine, which
   * share of the units of gated layers may be live ({@link #withMaxLive}), and of the values of
   * kept int8 operands be sent ({@link #withMaxMoved}), so that even a step that uses all of it is
   * done in {@code time}, and fixes it for the plan: {@link Plan#limits} tells it. From then on
   * outputs are as under these bounds. Bounds that are given besides are kept to too.
   *
   * <p>Before {@code warmUp} a plan is not bounded by a deadline, and sessions that step while it
   * runs are bounded by what it is trying. Two machines, or two runs on one, can fix different
   * shares, and then give different outputs: to have the same, take the bounds that were found.
   * What a step waits for the operating system is not in the measured time.
   *
   * <p>A plan refuses a deadline for a model without anything to bound, and for one that reads its
   * input from the end.
   *
   * @param time longest time of a step, above 0
   * @throws IllegalArgumentException if it is not
   */
  public PlanOptions withDeadline(Duration time) {
    return with(limits.withDeadline(time));
  }

  private PlanOptions with(Limits other) {
    return with(draft -> draft.limits = other);
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
    return with(draft -> draft.blas = true);
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
    Objects.requireNonNull(other);
    return with(draft -> draft.threads = other);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PlanOptions o
        && backend.equals(o.backend)
        && skipping.equals(o.skipping)
        && Float.compare(inputBound, o.inputBound) == 0
        && Float.compare(stateBound, o.stateBound) == 0
        && crossover.equals(o.crossover)
        && weights == o.weights
        && layerWeights.equals(o.layerWeights)
        && blas == o.blas
        && limits.equals(o.limits)
        && threads.equals(o.threads);
  }

  @Override
  public int hashCode() {
    return Objects.hash(
        backend,
        skipping,
        inputBound,
        stateBound,
        crossover,
        weights,
        layerWeights,
        blas,
        limits,
        threads);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "backend %s, %s, inputs up to %s%s, crossover %s, weights %s%s%s%s%s",
        backend.orElse("chosen"),
        skipping,
        inputBound,
        stateBound > 0 ? ", states up to " + stateBound : "",
        crossover.isPresent() ? crossover.getAsDouble() : "measured",
        weights,
        layerWeights.isEmpty() ? "" : " but for " + layerWeights,
        blas ? ", with a BLAS" : "",
        limits,
        threads.count() == 1 ? "" : ", " + threads);
  }
}
