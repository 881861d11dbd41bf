package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.kernel.VectorOps;
import java.lang.foreign.Arena;
import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * A packed network and everybody who runs it: it owns the packed weights until it is closed, and
 * opens streams, batches and sequences on them. What stands behind a plan.
 *
 * <p>Safe for any number of threads; what it opens serves one thread at a time.
 */
public final class Network {
  private final Wiring wiring;
  private final List<Slot> slots;
  private final VectorOps vectors;
  private final float[] initialState;
  private final PackArena packs;
  private final Team team;
  private final Cleaner.Cleanable hold;

  /** The gates of all streams that were opened and not closed. Guards {@link #closed} too. */
  private final Set<OneThread> streams = Collections.newSetFromMap(new WeakHashMap<>());

  private boolean closed;

  private Network(Wiring wiring, List<Slot> slots, VectorOps vectors, PackArena packs, Team team) {
    this.wiring = wiring;
    this.slots = List.copyOf(slots);
    this.vectors = vectors;
    this.initialState = initial();
    this.packs = packs;
    this.team = team;
    this.hold =
        Cleanup.of(
            this,
            () -> {
              team.close();
              packs.release();
            });
  }

  /**
   * A network of what {@code pack} packs into memory that is freed with the network.
   *
   * @param wiring which layer reads what
   * @param vectors of the backend
   * @param team helps its streams; it ends with the network
   */
  public static Network pack(
      Wiring wiring, VectorOps vectors, Team team, Function<Arena, List<Slot>> pack) {
    PackArena packs = new PackArena();
    try {
      return new Network(wiring, pack.apply(packs.arena()), vectors, packs, team);
    } catch (Throwable failure) {
      packs.release();
      throw failure;
    }
  }

  /** The places of its layers. */
  public List<Slot> slots() {
    return slots;
  }

  /** Which layer reads what. */
  Wiring wiring() {
    return wiring;
  }

  /** The vector operations of its backend. */
  VectorOps vectors() {
    return vectors;
  }

  /** Whether each layer reads the one before. */
  public boolean isChain() {
    return wiring.isChain();
  }

  /** Whether every layer can run step by step. */
  public boolean isForward() {
    return slots.stream().allMatch(Slot::isForward);
  }

  /** What a stream keeps from step to step, in the order it lies in its state. */
  public List<StatePart> stateParts() {
    List<StatePart> parts = new ArrayList<>();
    int floats = 0;
    for (Slot slot : slots) {
      for (StatePart part : slot.parts()) {
        parts.add(part.movedBy(floats));
      }
      floats += slot.stateFloats();
    }
    for (Wiring.Replaced state : wiring.states()) {
      parts.add(state.part().movedBy(floats));
      floats += state.part().floats();
    }
    return List.copyOf(parts);
  }

  /** The whole state of a new stream; empty if that is zeros. */
  public float[] initialState() {
    return initialState;
  }

  private float[] initial() {
    if (wiring.states().stream().allMatch(state -> state.initial().isEmpty())) {
      return new float[0];
    }
    List<StatePart> parts = stateParts();
    StatePart last = parts.getLast();
    float[] state = new float[last.at() + last.floats()];
    int first = parts.size() - wiring.states().size();
    for (int i = 0; i < wiring.states().size(); i++) {
      int at = parts.get(first + i).at();
      wiring
          .states()
          .get(i)
          .initial()
          .ifPresent(values -> {
            for (int k = 0; k < values.rows(); k++) {
              state[at + k] = Elementary.flush(values.at(k, 0));
            }
          });
    }
    return state;
  }

  /** Weight bytes a step reads when every unit is computed. */
  public long denseBytes(boolean tokens) {
    long bytes = 0;
    boolean token = tokens;
    for (Slot slot : slots) {
      bytes += slot.denseBytes(token);
      token = false;
    }
    return bytes;
  }

  /**
   * Weight bytes that no step exceeds under the limits, but for the first step after what was sent
   * was replaced.
   */
  public long mostBytes(boolean tokens) {
    long bytes = 0;
    boolean token = tokens;
    for (Slot slot : slots) {
      bytes += slot.mostBytes(token);
      token = false;
    }
    return bytes;
  }

  /** Whether {@link #bound} changes anything. */
  public boolean canBeBounded() {
    return slots.stream().anyMatch(Slot::canBeBounded);
  }

  /**
   * From the next step on, this share of the units of each gated layer may be live, and this share
   * of the values of each operand whose sums are kept may be sent, one at least; never more than
   * the network was packed to allow.
   *
   * @param share from 0 to 1
   */
  public void bound(double share) {
    slots.forEach(slot -> slot.bound(share));
  }

  /** The live fraction from which on a step computes every unit of a layer. */
  public double crossover(int layer) {
    return slots.get(layer).crossover();
  }

  /** Measures the crossover of every layer, until {@code cancelled}. */
  public void measureCrossovers(BooleanSupplier cancelled) {
    slots.forEach(slot -> slot.measureCrossover(cancelled));
  }

  /**
   * One new stream in its initial state.
   *
   * @throws IllegalStateException if the network is closed
   * @throws UnsupportedOperationException if a layer cannot run step by step
   */
  public StreamRun openStream() {
    return open(thread -> {
      StreamRun stream = new StreamRun(this, thread);
      stream.divide();
      return stream;
    });
  }

  /**
   * {@code capacity} new streams that step together, in their initial states.
   *
   * @throws IllegalArgumentException if the capacity is below 1
   * @throws IllegalStateException if the network is closed
   * @throws UnsupportedOperationException if a layer cannot run step by step
   */
  public BatchRun openBatch(int capacity) {
    return open(thread -> new BatchRun(capacity, this, thread));
  }

  /**
   * A run over whole sequences, its state zero.
   *
   * @throws IllegalStateException if the network is closed
   * @throws UnsupportedOperationException if it is no chain
   */
  public SequenceRun openSequence() {
    if (!isChain()) {
      throw new UnsupportedOperationException(
          "the network is a graph, which runs step by step; use Session.open(plan) and make a step"
              + " for each vector");
    }
    return open(thread -> new SequenceRun(wiring.inputs().getFirst(), slots, thread));
  }

  /** Holds the packs while memory is bound to them. */
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

  /** Who helps its streams. */
  Team team() {
    return team;
  }

  /** The threads that help its streams, if they were started. */
  public List<Thread> workers() {
    return team.workers();
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
   * Closes everything that was opened; its memory and the packs are freed at once, or as soon as
   * the steps that are running have ended. Any thread may close. Closing twice does nothing.
   */
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
