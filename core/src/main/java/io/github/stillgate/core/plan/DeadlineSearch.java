package io.github.stillgate.core.plan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.stage.Network;
import io.github.stillgate.core.stage.StatePart;
import io.github.stillgate.core.stage.StreamRun;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;

/**
 * Finds the largest share of units and values with which a step meets a deadline, in steps of 1/64,
 * by bisection.
 *
 * <p>What is timed is the longest step there can be under a bound: all gates are open, drawn at
 * random so that other units are cut in each step, and states and inputs are drawn before each
 * step, so that as many values move as may. Of a model that reads tokens it is a step by token.
 */
final class DeadlineSearch {
  private static final int LEVELS = 64;

  /** Long enough for the JVM to compile what cuts. */
  private static final long REHEARSAL_NANOS = 300_000_000;

  private static final long NANOS_A_LEVEL = 100_000_000;
  private static final int MOST_STEPS = 4_000;
  private static final int LEAST_STEPS = 20;

  private final Network network;
  private final Model model;
  private final float inputBound;
  private final Duration deadline;
  private final BooleanSupplier cancelled;
  private final SplittableRandom random = new SplittableRandom(1);
  private final long[] nanos = new long[MOST_STEPS];

  DeadlineSearch(
      Network network,
      Model model,
      float inputBound,
      Duration deadline,
      BooleanSupplier cancelled) {
    this.network = network;
    this.model = model;
    this.inputBound = inputBound;
    this.deadline = deadline;
    this.cancelled = cancelled;
  }

  /**
   * Bounds the network.
   *
   * @throws IllegalStateException if not even one unit of each layer and one value of each operand
   *     fit; the network then remains as it was
   */
  StepLimits.Met fix() {
    StreamRun stream = network.openStream();
    boolean fixed = false;
    try {
      stream.drawScores();
      rehearse(stream);
      StepLimits.Met met = search(stream);
      fixed = true;
      return met;
    } finally {
      if (!fixed) {
        network.bound(1);
      }
      stream.close();
    }
  }

  private StepLimits.Met search(StreamRun stream) {
    long whole = worstStep(stream, LEVELS);
    if (whole <= deadline.toNanos()) {
      return met(LEVELS, whole);
    }
    int fits = 0;
    long time = worstStep(stream, fits);
    if (time > deadline.toNanos()) {
      throw new IllegalStateException(
          ("the deadline of %s cannot be met: a step takes %s with one unit of each gated layer live"
                  + " and one value of each operand sent, %s with all; allow more time, or take a"
                  + " smaller network, or int8 weights")
              .formatted(
                  Limits.micros(deadline),
                  Limits.micros(Duration.ofNanos(time)),
                  Limits.micros(Duration.ofNanos(whole))));
    }
    int fails = LEVELS;
    while (fails - fits > 1) {
      int level = (fits + fails) / 2;
      long took = worstStep(stream, level);
      if (took <= deadline.toNanos()) {
        fits = level;
        time = took;
      } else {
        fails = level;
      }
    }
    network.bound((double) fits / LEVELS);
    return met(fits, time);
  }

  private StepLimits.Met met(int level, long time) {
    return new StepLimits.Met(deadline, (double) level / LEVELS, Duration.ofNanos(time));
  }

  private void rehearse(StreamRun stream) {
    network.bound(0.5);
    long end = System.nanoTime() + REHEARSAL_NANOS;
    do {
      step(stream);
    } while (System.nanoTime() < end);
  }

  /** 99th percentile at a level. */
  private long worstStep(StreamRun stream, int level) {
    network.bound((double) level / LEVELS);
    step(stream);
    long begun = System.nanoTime();
    int steps = 0;
    while (steps < LEAST_STEPS
        || (steps < MOST_STEPS && System.nanoTime() - begun < NANOS_A_LEVEL)) {
      nanos[steps++] = step(stream);
    }
    Arrays.sort(nanos, 0, steps);
    return nanos[(int) (0.99 * (steps - 1))];
  }

  private long step(StreamRun stream) {
    if (cancelled.getAsBoolean()) {
      throw new IllegalStateException("the plan was closed while it warmed up");
    }
    stream.enter();
    try {
      draw(stream);
      int token = random.nextInt(model.inputs());
      stream.begin();
      long before = System.nanoTime();
      if (model.readsTokens()) {
        stream.step(token);
      } else {
        stream.step();
      }
      long took = System.nanoTime() - before;
      stream.finish();
      return took;
    } finally {
      stream.exit();
    }
  }

  private void draw(StreamRun stream) {
    for (StatePart part : network.stateParts()) {
      // What was sent remains: the bound is on what differs from it.
      double least = part.kind() == StatePart.Kind.CARRIED ? 1 : -Math.min(1, part.bound());
      double behind = part.kind() == StatePart.Kind.CARRIED ? 2 : Math.min(1, part.bound());
      for (int i = 0; i < part.width() && part.kind() != StatePart.Kind.SENT; i++) {
        float value = least < behind ? (float) random.nextDouble(least, behind) : 0;
        stream.state().setAtIndex(JAVA_FLOAT, (long) part.at() + i, value);
      }
    }
    float most = Math.min(1, inputBound);
    for (int i = 0; i < model.inputs() && !model.readsTokens(); i++) {
      stream.input().setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-most, most));
    }
  }
}
