package io.github.stillgate.core.plan;

import com.sun.management.ThreadMXBean;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.stage.Network;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Goes through exercises until they run compiled. Uncompiled vector code allocates, so the end
 * shows in rounds without an allocation; it is compiled beside the rounds, so their number alone
 * does not show it.
 */
final class Rehearsal {
  /** Slow rounds are loops enough to be compiled sooner: after this long, fewer will do. */
  private static final Duration ENOUGH_OF_WHOLE = Duration.ofMillis(1_500);

  private static final Duration ENOUGH_OF_REST = Duration.ofMillis(500);

  /** All exercises together. */
  private static final Duration LIMIT = Duration.ofSeconds(10);

  /** Of the rounds an exercise takes, how many have to go by without an allocation. */
  private static final int QUIET_SHARE = 12;

  /** The measurement itself allocates a little; a boxed vector is 64 bytes in every round. */
  private static final int MEASUREMENT_BYTES = 1_000;

  private final Network network;
  private final Model model;
  private final Consumer<BooleanSupplier> measurement;
  private final long start = System.nanoTime();
  private int rounds;

  /**
   * A rehearsal.
   *
   * @param measurement what is measured at the end, while nothing can free the packs; it is told
   *     whether the plan wants to close
   */
  Rehearsal(Network network, Model model, Consumer<BooleanSupplier> measurement) {
    this.network = network;
    this.model = model;
    this.measurement = measurement;
  }

  /**
   * What the plan is used for, and then the measurement.
   *
   * @throws IllegalArgumentException if this network cannot be used so
   */
  Plan.WarmUp run(Set<Plan.Use> uses) {
    Set<Plan.Use> possible = possible();
    if (uses.isEmpty() || !possible.containsAll(uses)) {
      throw new IllegalArgumentException(
          "a warm-up for %s; this network runs as %s".formatted(uses, possible));
    }
    List<Exercise> exercises = new ArrayList<>();
    try {
      // A single stream first, since its rounds are the shortest: uncompiled, a batch of 64 on the
      // vector backend takes 150 ms. Its step is also the one that is measured.
      for (Plan.Use use : possible) {
        if (uses.contains(use)) {
          exercises.add(open(use));
          run(
              exercises.getLast(),
              exercises.size() == 1 ? Exercise.Extent.WHOLE : Exercise.Extent.REST);
        }
      }
      return finish(exercises.getFirst());
    } finally {
      exercises.forEach(Exercise::close);
    }
  }

  /** In the order in which they are rehearsed. */
  Set<Plan.Use> possible() {
    if (!network.isChain()) {
      return EnumSet.of(Plan.Use.STREAM, Plan.Use.BATCH);
    }
    return network.isForward() ? EnumSet.allOf(Plan.Use.class) : EnumSet.of(Plan.Use.SEQUENCE);
  }

  private Exercise open(Plan.Use use) {
    return switch (use) {
      case STREAM -> new Exercise.OfStream(network.openStream(), model);
      case BATCH -> new Exercise.OfBatch(network.openBatch(Exercise.OfBatch.STREAMS), model);
      case SEQUENCE -> new Exercise.OfSequence(network.openSequence(), model);
    };
  }

  private Plan.WarmUp finish(Exercise exercise) {
    exercise.inside(measurement);
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    long before = System.nanoTime();
    exercise.round(rounds);
    Duration first = Duration.ofNanos(System.nanoTime() - before);
    return new Plan.WarmUp(rounds, took, first);
  }

  /** Runs one exercise, for a second and a half at most or as long as it allocates. */
  private void run(Exercise exercise, Exercise.Extent extent) {
    Duration enough = extent == Exercise.Extent.WHOLE ? ENOUGH_OF_WHOLE : ENOUGH_OF_REST;
    long begun = System.nanoTime();
    int done = 0;
    boolean quiet = false;
    while (System.nanoTime() - start < LIMIT.toNanos()
        && (!quiet || (done < exercise.rounds() && System.nanoTime() - begun < enough.toNanos()))) {
      long before = allocatedBytes();
      int end = done + exercise.rounds() / QUIET_SHARE;
      while (done < end && System.nanoTime() - start < LIMIT.toNanos()) {
        exercise.round(done++);
      }
      quiet = !exercise.allocatesNothing() || allocatedBytes() - before <= MEASUREMENT_BYTES;
    }
    rounds += done;
  }

  private static long allocatedBytes() {
    return ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads
        ? threads.getCurrentThreadAllocatedBytes()
        : 0;
  }
}
