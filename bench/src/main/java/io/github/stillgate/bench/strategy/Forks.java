package io.github.stillgate.bench.strategy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** JVMs that timed the same strategies in turns: what they say together. */
final class Forks {
  /** The live fraction of a quick run. */
  static final double LIVE = 0.25;

  private static final int TURNS = 30;

  private final List<Fork> forks;

  /**
   * What one JVM found.
   *
   * @param task {@code rows} or {@code blocks}
   * @param times of strategies and bounds
   */
  record Fork(String task, List<Turns.Time> times) {
    double nanos(String contender) {
      return times.stream()
          .filter(time -> time.contender().equals(contender))
          .findFirst()
          .orElseThrow(() -> new IllegalStateException("nobody timed " + contender))
          .nanos();
    }

    Bounds bounds() {
      return new Bounds(1 / nanos(KernelFork.READ), 1 / nanos(KernelFork.FMA));
    }
  }

  Forks(List<Fork> forks) {
    this.forks = List.copyOf(forks);
  }

  /**
   * Runs so many JVMs for each task, the tasks in turns.
   *
   * @param twins whether our kernels run twice in each, against themselves
   */
  static Forks run(List<String> tasks, int count, List<String> strategies, boolean twins)
      throws IOException, InterruptedException {
    List<String> contenders = new ArrayList<>(strategies);
    if (twins) {
      strategies.stream()
          .filter(Kernels::isOurs)
          .forEach(strategy -> contenders.add(strategy + KernelFork.TWIN));
    }
    List<Fork> forks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      for (String task : tasks) {
        forks.add(new Fork(task, KernelFork.fork(task, LIVE, TURNS, contenders)));
      }
    }
    return new Forks(forks);
  }

  /** Medians over the JVMs, of strategies alone. */
  List<Timed> times() {
    List<Timed> all = new ArrayList<>();
    for (String task : forks.stream().map(Fork::task).distinct().toList()) {
      List<Fork> some = of(task);
      for (Turns.Time first : some.getFirst().times) {
        String name = first.contender();
        if (!name.equals(KernelFork.READ)
            && !name.equals(KernelFork.FMA)
            && !name.endsWith(KernelFork.TWIN)) {
          double[] nanos = sorted(some, fork -> fork.nanos(name));
          all.add(new Timed(task, name, LIVE, median(nanos), nanos[0], nanos[nanos.length - 1]));
        }
      }
    }
    return all;
  }

  /** Medians over all JVMs. */
  Bounds bounds() {
    return new Bounds(
        median(sorted(forks, fork -> fork.bounds().bytesPerNano())),
        median(sorted(forks, fork -> fork.bounds().multiplyAddsPerNano())));
  }

  /** Median of a strategy's time over another's of the same JVM. */
  double ratio(String task, String strategy, String over) {
    return median(sorted(of(task), fork -> fork.nanos(strategy) / fork.nanos(over)));
  }

  /** Median of the share of its bound that a strategy reaches. */
  double share(String task, String strategy) {
    return median(sorted(of(task), fork -> fork.bounds().least(task, LIVE) / fork.nanos(strategy)));
  }

  /** The noise of a strategy against itself: how far the worst JVM's ratio of the two is from 1. */
  double noise(String task, String strategy) {
    double worst = 1;
    for (Fork fork : of(task)) {
      double ratio = fork.nanos(strategy) / fork.nanos(strategy + KernelFork.TWIN);
      worst = Math.max(worst, Math.max(ratio, 1 / ratio));
    }
    return worst - 1;
  }

  /** Number of JVMs of a task. */
  int count(String task) {
    return of(task).size();
  }

  private List<Fork> of(String task) {
    return forks.stream().filter(fork -> fork.task.equals(task)).toList();
  }

  private static double[] sorted(List<Fork> forks, ToDoubleFunction<Fork> value) {
    return forks.stream().mapToDouble(value).sorted().toArray();
  }

  private static double median(double[] sorted) {
    return (sorted[sorted.length / 2] + sorted[(sorted.length - 1) / 2]) / 2;
  }
}
