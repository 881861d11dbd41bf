package io.github.stillgate.contract;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * How long a fuzzer or a race runs, and from which seed. In a build it is a fixed number of rounds
 * from a fixed seed, so that every build does the same. {@code mvn verify -Plong} runs each for
 * {@code -Dstillgate.fuzz.seconds} (an hour if not given) from a new seed; {@code
 * -Dstillgate.fuzz.seed} repeats one. Name and seed are printed, so that a failure can be had
 * again.
 */
public final class FuzzRun {
  private static final long BUILD_SEED = 20261126;

  private final long rounds;
  private final long nanos;
  private final long seed;
  private final long start = System.nanoTime();
  private long done;

  private FuzzRun(long rounds, long seconds, long seed) {
    this.rounds = rounds;
    this.nanos = TimeUnit.SECONDS.toNanos(seconds);
    this.seed = seed;
  }

  /** A run called {@code name}, of {@code rounds} rounds unless the build asks for seconds. */
  public static FuzzRun begin(String name, long rounds) {
    long seconds = Long.getLong("stillgate.fuzz.seconds", 0);
    long seed = Long.getLong("stillgate.fuzz.seed", seconds > 0 ? System.nanoTime() : BUILD_SEED);
    System.out.printf(
        "fuzz %s: seed %d, %s%n",
        name, seed, seconds > 0 ? seconds + " seconds" : rounds + " rounds");
    return new FuzzRun(rounds, seconds, seed);
  }

  /** Whether another round is to be run; counts it. */
  public boolean next() {
    boolean more = nanos > 0 ? System.nanoTime() - start < nanos : done < rounds;
    if (more) {
      done++;
    }
    return more;
  }

  /** Number of the round that {@link #next} began, from 1. */
  public long round() {
    return done;
  }

  /** A generator for the round under way: the round can be repeated alone. */
  public SplittableRandom random() {
    return new SplittableRandom(seed + done);
  }

  @Override
  public String toString() {
    return "-Dstillgate.fuzz.seed=%d, round %d".formatted(seed, done);
  }
}
