package io.github.stillgate.core.plan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import com.sun.management.ThreadMXBean;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Backends;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
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
    double bound = model.vocabulary().isPresent() ? 1 : options.inputBound();
    boolean tokens = model.vocabulary().isPresent();
    for (Layer layer : model.layers()) {
      Packing packing = new Packing(backend, memory, tokens);
      Stage stage =
          switch (layer) {
            case ConditionalGru gru ->
                new ConditionalGruStage(
                    gru,
                    bound,
                    packing,
                    new Crossover(options.skipping() == Skipping.STILL_UNITS, options.crossover()));
            case Gru gru -> new GruStage(gru, bound, packing);
            case Dense dense -> new DenseStage(dense, bound, packing);
          };
      packed.add(stage);
      bound = stage.outputBound();
      tokens = false;
    }
    return List.copyOf(packed);
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
    return model.vocabulary().isPresent() ? 1 : options.inputBound();
  }

  /** Weight bytes a step reads when every unit is computed: the numerator of every byte bound. */
  public long denseBytesPerStep() {
    long bytes = 0;
    boolean token = model.vocabulary().isPresent();
    for (Stage stage : stages) {
      bytes += stage.denseBytes(token);
      token = false;
    }
    return bytes;
  }

  /**
   * The live fraction from which on a step computes every unit of a layer: recorded in the options
   * or measured by {@link #warmUp}; above 1 if no step does, 0 if all do.
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
    StreamState stream = openStream();
    long start = System.nanoTime();
    int steps = 0;
    try {
      long allocated = Long.MAX_VALUE;
      // The measurement itself allocates a little; a boxed vector is 64 bytes in every step.
      long elapsed = 0;
      while (elapsed < WARM_UP_LIMIT.toNanos()
          && (allocated > WARM_UP_BATCH
              || (steps < WARM_UP_STEPS && elapsed < WARM_UP_ENOUGH.toNanos()))) {
        long batchStart = allocatedBytes();
        int batchEnd = steps + WARM_UP_BATCH;
        while (steps < batchEnd && elapsed < WARM_UP_LIMIT.toNanos()) {
          stepOnce(stream, steps++);
          elapsed = System.nanoTime() - start;
        }
        allocated = allocatedBytes() - batchStart;
      }
      measureCrossovers(stream);
      long before = System.nanoTime();
      stepOnce(stream, steps);
      long after = System.nanoTime();
      return new WarmUp(steps, Duration.ofNanos(before - start), Duration.ofNanos(after - before));
    } finally {
      stream.close();
    }
  }

  /** Inside a stream, so that a plan that is closed meanwhile keeps its packs until the end. */
  private void measureCrossovers(StreamState stream) {
    stream.enter();
    try {
      stages.forEach(Stage::measureCrossover);
    } finally {
      stream.exit();
    }
  }

  private static long allocatedBytes() {
    return ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads
        ? threads.getCurrentThreadAllocatedBytes()
        : 0;
  }

  /** Alternates tokens and vectors, so that both ways in get compiled. */
  private void stepOnce(StreamState stream, int number) {
    stream.enter();
    try {
      if (model.vocabulary().isPresent() && number % 4 != 0) {
        stream.step(number % model.inputs());
      } else {
        stream.input().setAtIndex(JAVA_FLOAT, number % model.inputs(), number % 2);
        stream.step();
      }
    } finally {
      stream.exit();
    }
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
