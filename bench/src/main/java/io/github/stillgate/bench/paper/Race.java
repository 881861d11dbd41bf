package io.github.stillgate.bench.paper;

import java.util.Arrays;
import java.util.List;

/** Contenders timed side by side: in each trial every one of them, in an order that rotates. */
public final class Race {
  private Race() {}

  /** Runs {@code steps} steps of a trial. */
  public interface Contender {
    void run(int steps);
  }

  /**
   * Nanoseconds a step of each contender: the median, least and greatest mean of a trial.
   *
   * @param median middle trial
   * @param low fastest trial
   * @param high slowest trial
   */
  public record Time(double median, double low, double high) {}

  /** Times all contenders. */
  public static List<Time> run(List<Contender> contenders, int trials, int steps) {
    double[][] nanos = new double[contenders.size()][trials];
    for (Contender contender : contenders) {
      contender.run(Math.max(20, steps / 10));
    }
    for (int trial = 0; trial < trials; trial++) {
      for (int i = 0; i < contenders.size(); i++) {
        int which = (i + trial) % contenders.size();
        long start = System.nanoTime();
        contenders.get(which).run(steps);
        nanos[which][trial] = (System.nanoTime() - start) / (double) steps;
      }
    }
    return Arrays.stream(nanos)
        .map(n -> {
          Arrays.sort(n);
          return new Time(n[trials / 2], n[0], n[trials - 1]);
        })
        .toList();
  }
}
