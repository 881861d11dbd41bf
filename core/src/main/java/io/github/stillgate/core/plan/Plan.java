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
import java.util.Set;

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

  /**
   * What {@link #warmUp} did.
   *
   * @param steps rounds run: steps of a stream, steps of a batch, short sequences
   * @param took time they took
   * @param firstStep latency of the first step after them
   */
  public record WarmUp(int steps, Duration took, Duration firstStep) {}

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
   * The live fraction from which on a step computes every unit of a layer: recorded in the options
   * or measured by {@link #warmUp}; above 1 if no step does, 0 if all do. In a layer of two
   * directions each has its own value, which this method does not report; it returns 0.
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
   * it; half a second a layer at most.
   *
   * @return what it took, and the latency of one step afterwards
   * @throws IllegalStateException if the plan is closed, also while this runs
   */
  public WarmUp warmUp() {
    return new Rehearsal(network, model).run();
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
