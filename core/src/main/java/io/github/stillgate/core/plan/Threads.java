package io.github.stillgate.core.plan;

import io.github.stillgate.core.stage.Team;
import java.time.Duration;
import java.util.Locale;

/**
 * How many threads share the large products of one step, and how the others wait for them. A
 * product is the rows of a layer that a step multiplies; rows do not depend on each other, so the
 * bits are the same for every number of threads.
 *
 * <p>A plan of {@code count} threads has {@code count - 1} workers, daemon threads named {@code
 * stillgate-worker-1} and so on, for all its sessions; the thread that calls {@code step} is the
 * other one. They start when the first session is opened that can use them, and end when the plan
 * is closed or dropped. A step never waits for a worker that has not come: it does alone what
 * nobody else has begun. So sessions that step at the same time, or a machine with fewer cores than
 * threads, lose only the help. Give a plan no more threads than cores that have nothing else to do.
 *
 * @param count threads that multiply at the same time, the caller's included; 1 for no workers
 * @param spin how long a worker looks for the next product, with its core at full load, before it
 *     parks; a parked worker costs nothing, but the step that wakes it goes without its help for
 *     tens of microseconds
 * @param leastBytes a product that reads fewer weight bytes stays with the caller
 */
public record Threads(int count, Duration spin, long leastBytes) {
  /** Most threads. */
  public static final int MOST = Team.MOST_THREADS;

  /**
   * 100 microseconds: longer than what lies between two products of steps that follow each other.
   */
  public static final Duration DEFAULT_SPIN = Duration.ofNanos(100_000);

  /**
   * 512 KiB: a core that reads 100 GB/s needs some five microseconds for them, of which another
   * core could save half, less what passing it on costs.
   */
  public static final long DEFAULT_LEAST_BYTES = 512 << 10;

  /** No workers. */
  public static final Threads ONE = of(1);

  /** Checks the numbers. */
  public Threads {
    if (count < 1 || count > MOST) {
      throw new IllegalArgumentException(
          "%d threads; expected 1 (the caller alone) to %d".formatted(count, MOST));
    }
    if (spin.isNegative() || spin.compareTo(Duration.ofMinutes(1)) > 0) {
      throw new IllegalArgumentException(
          "workers that spin for %s; expected 0 to one minute".formatted(spin));
    }
    if (leastBytes < 0) {
      throw new IllegalArgumentException(
          "products from %d bytes on; expected 0 or more".formatted(leastBytes));
    }
  }

  /**
   * {@code count} threads with the default waiting.
   *
   * @throws IllegalArgumentException if it is not 1 to {@link #MOST}
   */
  public static Threads of(int count) {
    return new Threads(count, DEFAULT_SPIN, DEFAULT_LEAST_BYTES);
  }

  /**
   * These threads, whose workers look for work that long before they park.
   *
   * @throws IllegalArgumentException if it is negative or above one minute
   */
  public Threads withSpin(Duration other) {
    return new Threads(count, other, leastBytes);
  }

  /**
   * These threads, which share products that read so many bytes and more.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public Threads withLeastBytes(long bytes) {
    return new Threads(count, spin, bytes);
  }

  Team team() {
    return new Team(count, spin.toNanos(), leastBytes);
  }

  @Override
  public String toString() {
    return count == 1
        ? "1 thread"
        : String.format(
            Locale.ROOT,
            "%d threads from %d bytes on, spinning for %d us",
            count,
            leastBytes,
            spin.toNanos() / 1_000);
  }
}
