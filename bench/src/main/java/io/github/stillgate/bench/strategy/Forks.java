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
   * @param task {@code rows}, {@code blocks}, or a word of {@link LayerTask}
   * @param times of strategies and bounds
   */
  record Fork(String task, List<Turns.Time> times) {
    /** What a JVM that timed several layers says of one of them. */
    static Fork of(LayerTask task, List<Turns.Time> all) {
      String before = task.contender("");
      List<Turns.Time> times = new ArrayList<>();
      for (Turns.Time time : all) {
        String name = time.contender();
        if (name.startsWith(before)) {
          times.add(
              new Turns.Time(
                  name.substring(before.length()), time.nanos(), time.low(), time.high()));
        } else if (name.equals(KernelFork.READ) || name.equals(KernelFork.FMA)) {
          times.add(time);
        }
      }
      return new Fork(task.word(), times);
    }

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
   * Runs so many JVMs for each task, the tasks in turns, and as many for all layers together.
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
    List<String> layers = tasks.stream().filter(task -> LayerTask.find(task).isPresent()).toList();
    List<Fork> forks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      for (String task : tasks) {
        if (!layers.contains(task)) {
          forks.add(new Fork(task, KernelFork.fork(task, LIVE, TURNS, contenders)));
        }
      }
      // All of them in one JVM: starting it takes as long as they do.
      if (!layers.isEmpty()) {
        String all = String.join(",", layers);
        List<Turns.Time> times = KernelFork.fork(all, LIVE, TURNS, contenders);
        layers.forEach(task -> forks.add(Fork.of(LayerTask.find(task).orElseThrow(), times)));
      }
    }
    return new Forks(forks);
  }

  /** Share of the rows or columns that a task multiplies. */
  static double fraction(String task) {
    return LayerTask.find(task).map(LayerTask::fraction).orElse(LIVE);
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
          all.add(
              new Timed(
                  task, name, fraction(task), median(nanos), nanos[0], nanos[nanos.length - 1]));
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
