package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.stage.Network;
import io.github.stillgate.core.stage.NetworkAccess;
import io.github.stillgate.core.stage.Slot;
import io.github.stillgate.core.stage.StatePart;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;

/**
 * A {@link Model} packed for this CPU: immutable, shared by any number of threads, each stream with
 * a session of its own. It owns the packed weights, off-heap, and its workers, if it has any
 * ({@link PlanOptions#withThreads(int)}), until it is closed.
 */
public final class Plan implements AutoCloseable {
  static {
    NetworkAccess.open(plan -> ((Plan) plan).network);
  }

  private final Model model;
  private final PlanOptions options;
  private final Backend backend;
  private final Network network;
  private final List<OperandScale> operandScales;
  private volatile Optional<StepLimits.Met> deadline = Optional.empty();

  /**
   * What {@link #warmUp} did.
   *
   * @param steps rounds run: steps of a stream, steps of a batch, short sequences
   * @param took time they took
   * @param firstStep latency of the first step after them
   */
  public record WarmUp(int steps, Duration took, Duration firstStep) {}

  /** How a plan is run; each way is code of its own that has to be compiled. */
  public enum Use {
    /** {@link io.github.stillgate.core.session.Session}: steps of one stream. */
    STREAM,
    /** {@link io.github.stillgate.core.session.BatchSession}: steps of many streams at once. */
    BATCH,
    /** {@link io.github.stillgate.core.session.Sequence}: whole sequences of one stream. */
    SEQUENCE
  }

  /**
   * The values that a layer multiplies in a step, each with a column of its weights: inputs, states
   * and results of its own, as often as they are multiplied. A token is none of them.
   *
   * @param all how many there are
   * @param followed those with a fixed scale in int8: a step reads their columns when they moved
   *     ({@link WeightFormat#I8}); 0 in other formats
   * @param inputs whether the layer's inputs are followed, or tokens
   */
  public record Columns(int all, int followed, boolean inputs) {}

  private Plan(Model model, PlanOptions options, Backend backend) {
    this.model = model;
    this.options = options;
    this.backend = backend;
    Set<OperandScale> scales = new LinkedHashSet<>();
    this.network = Compiler.compile(model, options, inputBound(), backend, scales);
    this.operandScales = List.copyOf(scales);
  }

  /**
   * Packs {@code model} with the default options.
   *
   * @throws BackendUnavailableException if {@code -Dstillgate.backend} demands a backend that
   *     cannot run
   * @throws IllegalArgumentException if a sum could overflow float32
   */
  public static Plan compile(Model model) {
    return compile(model, PlanOptions.defaults());
  }

  /**
   * Packs {@code model}.
   *
   * @throws BackendUnavailableException if the backend asked for cannot run
   * @throws IllegalArgumentException if a sum could overflow float32 under the options' input
   *     bound, or the options name a layer that the model does not have
   */
  public static Plan compile(Model model, PlanOptions options) {
    return new Plan(
        model, options, options.backend().map(Backends::require).orElseGet(Backends::choose));
  }

  /** The model this was packed from. */
  public Model model() {
    return model;
  }

  /** The options this was packed with. */
  public PlanOptions options() {
    return options;
  }

  /** Name of the backend in use. */
  public String backend() {
    return backend.name();
  }

  /** Instruction set or vector width the backend uses. */
  public String tier() {
    return backend.availability().usableTier().orElseThrow();
  }

  /** Largest magnitude an input value may have: 1 for a model that reads tokens. */
  public float inputBound() {
    return model.readsTokens() ? 1 : options.inputBound();
  }

  /**
   * What the operands of layers that are multiplied in int8 are rounded by, in the order of the
   * layers; empty if there is no such layer.
   */
  public List<OperandScale> operandScales() {
    return operandScales;
  }

  /** Weight bytes a step reads when every unit is computed: the numerator of every byte bound. */
  public long denseBytesPerStep() {
    return network.denseBytes(model.readsTokens());
  }

  /**
   * Weight bytes that no step of a session exceeds: with {@link PlanOptions#withMaxLive} and {@link
   * PlanOptions#withMaxMoved}, or what was found for a deadline, less than {@link
   * #denseBytesPerStep}. For a model that reads tokens it is the bound of a step by token, as
   * there.
   *
   * <p>One kind of step can read more, up to {@link #denseBytesPerStep}: under a bound on moved
   * values, the first one after what was sent was replaced, by {@link
   * io.github.stillgate.core.session.Session#reset}, {@code restore} or {@code state(name, values)}
   * of a session that made steps before. It makes sums of what is sent from those of what was. A
   * session that was just opened keeps to the bound from its first step on; after a restore its
   * first step does not.
   */
  public long mostBytesPerStep() {
    return network.mostBytes(model.readsTokens());
  }

  /**
   * What a step may do at most: the bounds of {@link #options}, and those that {@link #warmUp}
   * found for a deadline.
   */
  public StepLimits limits() {
    List<StepLimits.OfLayer> layers =
        network.slots().stream()
            .map(slot -> new StepLimits.OfLayer(slot.name(), slot.mostLive(), slot.mostMoved()))
            .toList();
    return new StepLimits(layers, deadline);
  }

  /**
   * The live fraction from which on a step computes every unit of a layer: recorded in the options
   * or measured by {@link #warmUp}; above 1 if no step does, as under a bound on live units, 0 if
   * all do. In a layer of two directions each has its own value, which this method does not report;
   * it returns 0.
   */
  public double crossover(int layer) {
    return network.crossover(layer);
  }

  /** What layer {@code layer} multiplies, and of what of it only the movement. */
  public Columns columns(int layer) {
    Slot slot = network.slots().get(layer);
    boolean token = layer == 0 && model.readsTokens();
    return new Columns(
        slot.columns(token, false), slot.columns(token, true), token || slot.followsInput());
  }

  /**
   * Names of what a stream keeps from step to step: {@link
   * io.github.stillgate.core.session.Session#state(String)} reads and writes them.
   */
  public List<String> stateNames() {
    return network.stateParts().stream().map(StatePart::name).toList();
  }

  /**
   * Runs what sessions, batches and sequences of this plan run, on streams of its own, until the
   * kernels are compiled: otherwise the first live steps are up to thousands of times slower than
   * the rest. Takes some seconds and stops after ten in any case. Then measures from which live
   * fraction on a step had better compute every unit ({@link #crossover}), unless the options say
   * it; half a second a layer at most. Before that, and once for a plan, finds the bounds with
   * which steps meet a deadline, if the options have one ({@link #limits}); a second or two.
   *
   * @return what it took, and the latency of one step afterwards
   * @throws IllegalStateException if the plan is closed, also while this runs; or if no bound meets
   *     the deadline, with the time that was measured: the plan then has none of its own
   */
  public WarmUp warmUp() {
    Rehearsal rehearsal = new Rehearsal(network, model, this::measure);
    return rehearsal.run(rehearsal.possible());
  }

  /**
   * The same for what this plan will be used for and nothing else, which is sooner: a batch and a
   * sequence take half a second each and more.
   *
   * @param uses at least one
   * @return what it took, and the latency of the first use's step afterwards, in the order of
   *     {@link Use}
   * @throws IllegalArgumentException if there is none, or this network cannot be run so: a network
   *     with a backward layer has sequences only, a graph has none
   * @throws IllegalStateException as {@link #warmUp()}
   */
  public WarmUp warmUp(Set<Use> uses) {
    return new Rehearsal(network, model, this::measure).run(Set.copyOf(uses));
  }

  private synchronized void measure(BooleanSupplier cancelled) {
    Optional<Duration> asked = options.limits().deadline();
    if (asked.isPresent() && deadline.isEmpty()) {
      deadline =
          Optional.of(
              new DeadlineSearch(network, model, inputBound(), asked.get(), cancelled).fix());
    }
    network.measureCrossovers(cancelled);
  }

  /** The backend, the options and the limits that hold now. */
  @Override
  public String toString() {
    return "%s (%s); %s; limits: %s".formatted(backend(), tier(), options, limits());
  }

  /**
   * Closes every session, batch and sequence of this plan: their next call throws {@link
   * IllegalStateException}. Their memory and the packed weights are freed at once, or as soon as
   * the steps that are running have ended; closing does not wait for them. Any thread may close.
   * Closing twice does nothing.
   *
   * <p>Workers end when they have done what they are at. A plan that is dropped with all its
   * sessions is freed after a garbage collection, and its workers end then.
   */
  @Override
  public void close() {
    network.close();
  }
}
