package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.Backend;
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
import io.github.stillgate.core.model.Sru;
import java.lang.ref.Cleaner;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.function.Function;

/**
 * A {@link Model} packed for this CPU: immutable, shared by any number of threads, each stream with
 * a session of its own. It owns the packed weights, off-heap, until it is closed.
 */
public final class Plan implements AutoCloseable {
  private final Model model;
  private final PlanOptions options;
  private final Backend backend;
  private final PackArena packs = new PackArena();
  private final List<Stage> stages;
  private final Cleaner.Cleanable hold;

  /** The gates of all streams that were opened and not closed. Guards {@link #closed} too. */
  private final Set<OneThread> streams = Collections.newSetFromMap(new WeakHashMap<>());

  private boolean closed;

  /**
   * What {@link #warmUp} did.
   *
   * @param steps rounds run: steps of a stream, steps of a batch, short sequences
   * @param took time they took
   * @param firstStep latency of the first step after them
   */
  public record WarmUp(int steps, Duration took, Duration firstStep) {}

  private Plan(Model model, PlanOptions options, Backend backend) {
    this.model = model;
    this.options = options;
    this.backend = backend;
    try {
      this.stages = pack();
    } catch (Throwable failure) {
      packs.release();
      throw failure;
    }
    this.hold = Cleanup.of(this, packs::release);
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
      Stage stage = stage(layer, bound, new Packing(backend, packs.arena(), tokens));
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
      case Sru sru ->
          throw new UnsupportedOperationException(
              "layer %s: plans do not run SRU layers".formatted(sru.name()));
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
    return open(thread -> new StreamState(model.inputs(), stages, thread));
  }

  /**
   * The memory of {@code capacity} new streams that step together, all zero. Used by batch
   * sessions.
   *
   * @throws IllegalArgumentException if the capacity is below 1
   * @throws IllegalStateException if the plan is closed
   */
  public BatchState openBatch(int capacity) {
    return open(thread -> new BatchState(capacity, model.inputs(), stages, thread));
  }

  /**
   * The memory of one run over whole sequences, all zero. Used by sequences.
   *
   * @throws IllegalStateException if the plan is closed
   */
  public SequenceState openSequence() {
    return open(thread -> new SequenceState(model.inputs(), stages, thread));
  }

  /** Holds the plan open while memory is bound to its packs. */
  private <S> S open(Function<OneThread, S> binding) {
    Arithmetic.look();
    OneThread thread = admit();
    try {
      S bound;
      thread.enter();
      try {
        bound = binding.apply(thread);
      } finally {
        thread.exit();
      }
      thread.requireOpen();
      return bound;
    } catch (Throwable failure) {
      thread.close();
      throw failure;
    }
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
      packs.hold();
      OneThread thread = new OneThread(this, packs);
      streams.add(thread);
      return thread;
    }
  }

  /** The memory of the packed weights. */
  PackArena packs() {
    return packs;
  }

  /** Forgets streams that are closed. */
  void forget(OneThread thread) {
    synchronized (streams) {
      streams.remove(thread);
    }
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
    Rehearsal rehearsal = new Rehearsal();
    if (stages.stream().anyMatch(stage -> stage instanceof WholeSequenceStage)) {
      try (Exercise sequences = new Exercise.OfSequence(openSequence(), model)) {
        rehearsal.run(sequences, Exercise.Extent.WHOLE);
        measureCrossovers(sequences);
        return warmedUp(rehearsal, sequences);
      }
    }
    // A single stream first, since its rounds are the shortest: uncompiled, a batch of 64 on the
    // vector backend takes 150 ms. And last, since its step is the one that is measured.
    try (Exercise stream = new Exercise.OfStream(openStream(), model);
        Exercise batch = new Exercise.OfBatch(openBatch(Exercise.OfBatch.STREAMS), model);
        Exercise sequences = new Exercise.OfSequence(openSequence(), model)) {
      rehearsal.run(stream, Exercise.Extent.WHOLE);
      rehearsal.run(batch, Exercise.Extent.REST);
      rehearsal.run(sequences, Exercise.Extent.REST);
      measureCrossovers(stream);
      return warmedUp(rehearsal, stream);
    }
  }

  private void measureCrossovers(Exercise exercise) {
    exercise.inside(cancelled -> stages.forEach(stage -> stage.measureCrossover(cancelled)));
  }

  private static WarmUp warmedUp(Rehearsal rehearsal, Exercise exercise) {
    Duration took = rehearsal.took();
    long before = System.nanoTime();
    exercise.round(rehearsal.rounds());
    Duration first = Duration.ofNanos(System.nanoTime() - before);
    return new WarmUp(rehearsal.rounds(), took, first);
  }

  /**
   * Closes every session, batch and sequence of this plan: their next call throws {@link
   * IllegalStateException}. Their memory and the packed weights are freed at once, or as soon as
   * the steps that are running have ended; closing does not wait for them. Any thread may close.
   * Closing twice does nothing.
   *
   * <p>A plan that is dropped with all its sessions is freed after a garbage collection.
   */
  @Override
  public void close() {
    List<OneThread> open;
    synchronized (streams) {
      if (closed) {
        return;
      }
      closed = true;
      open = new ArrayList<>(streams);
      streams.clear();
    }
    Cleanup.free(open.stream().filter(OneThread::closeWithPlan).toList(), hold);
  }
}
