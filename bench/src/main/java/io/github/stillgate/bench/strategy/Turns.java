package io.github.stillgate.bench.strategy;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.List;

/**
 * Contenders timed in one JVM, in turns of a few milliseconds whose order rotates, so that whatever
 * else the machine does meets all of them. Time is that of the thread on its core: waiting for a
 * core is none of a kernel's. So whoever takes a turn must do all its work in the calling thread.
 */
public final class Turns {
  /** A turn's calls before its clock starts: they bring its matrix back into the cache. */
  private static final double LEAD = 0.25;

  private static final double TURN_NANOS = 4e6;
  private static final long WARM_UP_NANOS = 300_000_000;
  private static final int MOST_CALLS = 100_000;

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private Turns() {}

  /**
   * What takes turns.
   *
   * @param name in the results
   * @param call one call
   */
  public record Contender(String name, Runnable call) {}

  /**
   * Nanoseconds a call.
   *
   * @param contender who
   * @param nanos lower quartile of the turns: what others do to the machine only adds to the rest
   * @param low fastest turn
   * @param high slowest turn
   */
  public record Time(
      String contender,
      @JsonProperty("ns") double nanos,
      @JsonProperty("min_ns") double low,
      @JsonProperty("max_ns") double high) {
    /** The time of one of so many parts of a call. */
    public Time per(double parts) {
      return new Time(contender, nanos / parts, low / parts, high / parts);
    }
  }

  /** Times all in so many turns, after a warm-up. */
  public static List<Time> run(List<Contender> contenders, int turns) {
    int[] calls = contenders.stream().mapToInt(Turns::calls).toArray();
    double[][] nanos = new double[calls.length][turns];
    for (int turn = 0; turn < turns; turn++) {
      for (int i = 0; i < calls.length; i++) {
        int which = (i + turn) % calls.length;
        nanos[which][turn] = turn(contenders.get(which).call, calls[which]);
      }
    }
    Time[] found = new Time[calls.length];
    for (int i = 0; i < calls.length; i++) {
      double[] times = nanos[i];
      Arrays.sort(times);
      found[i] = new Time(contenders.get(i).name, times[turns / 4], times[0], times[turns - 1]);
    }
    return List.of(found);
  }

  private static double turn(Runnable call, int calls) {
    for (int i = 0; i < (int) (LEAD * calls); i++) {
      call.run();
    }
    long start = THREADS.getCurrentThreadCpuTime();
    for (int i = 0; i < calls; i++) {
      call.run();
    }
    return (THREADS.getCurrentThreadCpuTime() - start) / (double) calls;
  }

  /** Warms up, and says how many calls fill a turn: the mean of the second half tells. */
  private static int calls(Contender contender) {
    long start = THREADS.getCurrentThreadCpuTime();
    long half = start;
    long now = start;
    int calls = 0;
    while (now - start < WARM_UP_NANOS || calls == 0) {
      contender.call.run();
      now = THREADS.getCurrentThreadCpuTime();
      if (now - start < WARM_UP_NANOS / 2) {
        half = now;
      } else {
        calls++;
      }
    }
    return (int) Math.clamp(TURN_NANOS * calls / (now - half), 1, MOST_CALLS);
  }
}
