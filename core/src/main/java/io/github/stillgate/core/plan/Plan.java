package io.github.stillgate.core.plan;

import com.sun.management.ThreadMXBean;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Backends;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.SimpleRnn;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;

/**
 * A {@link Model} packed for this CPU: immutable, shared by any number of threads, each stream with
 * a session of its own. It owns the packed weights, off-heap, until it is closed.
 */
public final class Plan implements AutoCloseable {
  /** C2 compiles after some ten thousand calls or loop trips; a step makes several of each. */
  private static final int WARM_UP_STEPS = 12_000;

  /** Slow steps are loops enough to be compiled sooner: after this long, fewer will do. */
  private static final Duration WARM_UP_ENOUGH = Duration.ofMillis(1_500);

  /** Compilation happens beside the steps; it is over when so many of them allocate nothing. */
  private static final int WARM_UP_BATCH = 1_000;

  private static final Duration WARM_UP_LIMIT = Duration.ofSeconds(10);

  private final Model model;
  private final PlanOptions options;
  private final Backend backend;
  private final Arena memory;
  private final List<Stage> stages;
  private final Set<OneThread> streams =
      Collections.newSetFromMap(Collections.synchronizedMap(new WeakHashMap<>()));
  private boolean closed;

  /**
   * What {@link #warmUp} did.
   *
   * @param steps steps run
   * @param took time they took
   * @param firstStep latency of the first step behind them
   */
  public record WarmUp(int steps, Duration took, Duration firstStep) {}

  private Plan(Model model, PlanOptions options, Backend backend) {
    this.model = model;
    this.options = options;
    this.backend = backend;
    this.memory = Arena.ofShared();
    try {
      this.stages = pack();
    } catch (Throwable failure) {
      memory.close();
      throw failure;
    }
  }

  /**
   * Packs {@code model} with the default options.
   *
   * @throws io.github.stillgate.core.kernel.BackendUnavailableException if {@code
   *     -Dstillgate.backend} demands a backend that cannot run
   * @throws IllegalArgumentException if a sum could overflow float32
   */
  public static Plan compile(Model model) {
    return compile(model, PlanOptions.defaults());
  }

  /**
   * Packs {@code model}.
   *
   * @throws io.github.stillgate.core.kernel.BackendUnavailableException if the backend asked for
   *     cannot run
   * @throws IllegalArgumentException if a sum could overflow float32 under the options' input bound
   */
  public static Plan compile(Model model, PlanOptions options) {
    return new Plan(
        model, options, options.backend().map(Backends::require).orElseGet(Backends::choose));
  }

  private List<Stage> pack() {
    List<Stage> packed = new ArrayList<>();
    double bound = inputBound();
    boolean tokens = model.readsTokens();
    for (Layer layer : model.layers()) {
      Stage stage = stage(layer, bound, new Packing(backend, memory, tokens));
      packed.add(stage);
      bound = stage.outputBound();
      tokens = false;
    }
    return List.copyOf(packed);
  }

  private Stage stage(Layer layer, double bound, Packing packing) {
    return switch (layer) {
      case ConditionalGru gru -> new ConditionalGruStage(gru, bound, packing, crossover());
      case Gru gru ->
          switch (gru.reset()) {
            case Reset.AfterMatrix after ->
                options.skipping().approximates(gru)
                    ? new SkippingGruStage(
                        gru,
                        after.bh(),
                        options.skipping().epsilon(),
                        bound,
                        packing,
                        crossover(),
                        crossover())
                    : new GruStage(gru, after.bh(), bound, packing);
            case Reset.BeforeMatrix _ -> new ResetBeforeGruStage(gru, bound, packing);
          };
      case Lstm lstm -> new LstmStage(lstm, bound, packing);
      case SimpleRnn rnn -> new SimpleRnnStage(rnn, bound, packing);
      case Embedding embedding -> new DenseStage(embedding.asDense(), bound, packing);
      case Dense dense -> new DenseStage(dense, bound, packing);
      case Bidirectional pair ->
          WholeSequenceStage.pair(
              pair.name(),
              stage(pair.forward(), bound, packing),
              stage(pair.backward(), bound, packing));
      case Backward backward ->
          WholeSequenceStage.backward(backward.name(), stage(backward.layer(), bound, packing));
    };
  }

  private Crossover crossover() {
    return new Crossover(options.skipping().stillUnits(), options.crossover());
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

  /** Weight bytes a step reads when every unit is computed: the numerator of every byte bound. */
  public long denseBytesPerStep() {
    long bytes = 0;
    boolean token = model.readsTokens();
    for (Stage stage : stages) {
      bytes += stage.denseBytes(token);
      token = false;
    }
    return bytes;
  }

  /**
   * The live fraction from which on a step computes every unit of a layer: recorded in the options
   * or measured by {@link #warmUp}; above 1 if no step does, 0 if all do. Layers of two directions
   * have one each, which is not told.
   */
  public double crossover(int layer) {
    return stages.get(layer).crossover();
  }

  /**
   * The memory of one new stream, all zero. Used by sessions.
   *
   * @throws IllegalStateException if the plan is closed
   */
  public StreamState openStream() {
    return new StreamState(model.inputs(), stages, admit());
  }

  /**
   * The memory of {@code capacity} new streams that step together, all zero. Used by batch
   * sessions.
   *
   * @throws IllegalStateException if the plan is closed
   */
  public BatchState openBatch(int capacity) {
    return new BatchState(capacity, model.inputs(), stages, admit());
  }

  /**
   * The memory of one run over whole sequences, all zero. Used by sequences.
   *
   * @throws IllegalStateException if the plan is closed
   */
  public SequenceState openSequence() {
    return new SequenceState(model.inputs(), stages, admit());
  }

  /** What a stream keeps from step to step, in the order it lies in its state. */
  public List<StatePart> stateParts() {
    List<StatePart> parts = new ArrayList<>();
    int floats = 0;
    for (Stage stage : stages) {
      for (StatePart part : stage.stateParts()) {
        parts.add(part.movedBy(floats));
      }
      floats += stage.stateFloats();
    }
    return List.copyOf(parts);
  }

  private OneThread admit() {
    synchronized (streams) {
      if (closed) {
        throw new IllegalStateException("the plan is closed; compile the model again");
      }
      OneThread thread = new OneThread();
      streams.add(thread);
      return thread;
    }
  }

  /**
   * Steps a stream of its own until the kernels run compiled, so that the first live step is not
   * thousands of times slower than the rest: uncompiled vector code allocates, so the end shows in
   * a thousand steps without an allocation. Takes some seconds and stops after ten in any case.
   * Then measures from which live fraction on a step had better compute every unit ({@link
   * #crossover}), unless the options say it; half a second a layer at most.
   *
   * @return what it took, and the latency of one step afterwards
   * @throws IllegalStateException if the plan is closed
   */
  public WarmUp warmUp() {
    try (Exercise exercise = exercise()) {
      long start = System.nanoTime();
      int steps = 0;
      long allocated = Long.MAX_VALUE;
      // The measurement itself allocates a little; a boxed vector is 64 bytes in every step.
      long elapsed = 0;
      while (elapsed < WARM_UP_LIMIT.toNanos()
          && (allocated > WARM_UP_BATCH
              || (steps < WARM_UP_STEPS && elapsed < WARM_UP_ENOUGH.toNanos()))) {
        long batchStart = allocatedBytes();
        int batchEnd = steps + WARM_UP_BATCH;
        while (steps < batchEnd && elapsed < WARM_UP_LIMIT.toNanos()) {
          exercise.step(steps++);
          elapsed = System.nanoTime() - start;
        }
        allocated = exercise.allocatesNothing() ? allocatedBytes() - batchStart : 0;
      }
      exercise.inside(() -> stages.forEach(Stage::measureCrossover));
      long before = System.nanoTime();
      exercise.step(steps);
      long after = System.nanoTime();
      return new WarmUp(steps, Duration.ofNanos(before - start), Duration.ofNanos(after - before));
    }
  }

  private static long allocatedBytes() {
    return ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads
        ? threads.getCurrentThreadAllocatedBytes()
        : 0;
  }

  private Exercise exercise() {
    return stages.stream().anyMatch(stage -> stage instanceof WholeSequenceStage)
        ? new Exercise.OfSequence(openSequence(), model)
        : new Exercise.OfStream(openStream(), model);
  }

  /**
   * Frees the packed weights. Waits for steps that are running, then closes every session of this
   * plan; their next call throws {@link IllegalStateException}. Closing twice does nothing.
   */
  @Override
  public void close() {
    synchronized (streams) {
      if (closed) {
        return;
      }
      closed = true;
      streams.forEach(OneThread::closeWithPlan);
      streams.clear();
    }
    memory.close();
  }
}
