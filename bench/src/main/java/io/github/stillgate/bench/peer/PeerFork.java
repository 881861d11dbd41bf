package io.github.stillgate.bench.peer;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.plan.WeightFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.HdrHistogram.Histogram;

/**
 * One JVM of {@link Peers}: all contenders on one layer, some steps each in turn, every step timed.
 * Prints what it found as one line of JSON.
 */
public final class PeerFork {
  private static final int VECTORS = 256;

  /** Stream steps of a turn: a batch of many streams takes few steps. */
  private static final int TURN = 200;

  private static final long LONGEST_NANOS = 10_000_000_000L;
  private static final long WARM_UP_NANOS = 1_000_000_000L;
  private static final long WARM_UP_STEPS = 20_000;
  private static final int CHECKED_STEPS = 50;

  /** Rounding in another order, and other polynomials for the same functions. */
  private static final double TOLERANCE = 1e-4;

  /**
   * Between bf16 and float32 weights. A bf16 weight is off by up to 2^-9 of itself, so the sums of
   * 2n products of weights below 1.5 / sqrt(n) and values below 1 are off by 1e-3 on the average,
   * and the state carries some of it on: at most 0.003 was seen up to n = 1024. A misplaced weight
   * shows as far more.
   */
  private static final double BF16_TOLERANCE = 0.01;

  private PeerFork() {}

  /**
   * Nanoseconds a step of all streams.
   *
   * @param contender who
   * @param layer kind of layer it runs
   * @param weights format of its weights
   * @param p50 median
   * @param p99 99th percentile
   * @param steps number of steps timed
   */
  record Found(
      String contender, String layer, WeightFormat weights, double p50, double p99, long steps) {
    /** Whether it is {@code name} on a layer of {@code kind} with {@code format}. */
    boolean is(String name, String kind, WeightFormat format) {
      return contender.equals(name) && layer.equals(kind) && weights == format;
    }
  }

  /** Runs with the arguments KIND UNITS STREAMS STEPS SECONDS. */
  public static void main(String[] args) throws IOException {
    List<String> backends =
        BackendRegistry.usable().stream()
            .map(Backend::name)
            .filter(name -> !name.equals("reference"))
            .toList();
    Task task =
        new Task(
            args[0],
            Integer.parseInt(args[1]),
            Integer.parseInt(args[2]),
            Integer.parseInt(args[3]));
    List<Contender> contenders = Contender.all(task, backends);
    contenders.forEach(Contender::warmUp);
    List<Found> found = run(contenders, task, Double.parseDouble(args[4]));
    System.out.println(JsonMapper.builder().build().writeValueAsString(found));
  }

  /** Checks and times the contenders, and closes them. */
  static List<Found> run(List<Contender> contenders, Task task, double seconds) {
    float[][][] x = inputs(task);
    try {
      requireEqualAnswers(contenders, x, task.units());
      float[][] out = new float[task.rows()][task.units()];
      List<Histogram> times = new ArrayList<>();
      for (Contender contender : contenders) {
        warmUp(contender, x, out);
        times.add(new Histogram(LONGEST_NANOS, 3));
      }
      long end = System.nanoTime() + (long) (seconds * 1e9);
      int turn = 0;
      do {
        for (int i = 0; i < contenders.size(); i++) {
          int which = (i + turn) % contenders.size();
          turn(contenders.get(which), x, out, times.get(which));
        }
        turn++;
      } while (System.nanoTime() < end);
      List<Found> found = new ArrayList<>();
      for (int i = 0; i < contenders.size(); i++) {
        Histogram h = times.get(i);
        found.add(
            new Found(
                contenders.get(i).name(),
                contenders.get(i).layer(),
                contenders.get(i).weights(),
                h.getValueAtPercentile(50),
                h.getValueAtPercentile(99),
                h.getTotalCount()));
      }
      return found;
    } finally {
      contenders.forEach(Contender::close);
    }
  }

  /** One input for each row, {@link #VECTORS} times; every stream has its own. */
  private static float[][][] inputs(Task task) {
    LayerKind.Weights random = new LayerKind.Weights(task.units(), new SplittableRandom(10));
    float[][] vectors = new float[VECTORS][];
    Arrays.setAll(vectors, _ -> random.values(task.units(), 1));
    float[][][] x = new float[VECTORS][task.rows()][];
    for (int step = 0; step < VECTORS; step++) {
      for (int row = 0; row < task.rows(); row++) {
        x[step][row] = vectors[(step + 7 * row) % VECTORS];
      }
    }
    return x;
  }

  /** In the loop that is measured, so that it is compiled. */
  private static void warmUp(Contender contender, float[][][] x, float[][] out) {
    Histogram discarded = new Histogram(LONGEST_NANOS, 3);
    long end = System.nanoTime() + WARM_UP_NANOS;
    do {
      turn(contender, x, out, discarded);
    } while (discarded.getTotalCount() < WARM_UP_STEPS && System.nanoTime() < end);
  }

  private static void turn(Contender contender, float[][][] x, float[][] out, Histogram times) {
    int steps = Math.max(1, TURN / out.length);
    for (int step = 0; step < steps; step++) {
      long start = System.nanoTime();
      contender.step(x[step % VECTORS], out);
      times.recordValue(System.nanoTime() - start);
    }
  }

  private static void requireEqualAnswers(List<Contender> contenders, float[][][] x, int width) {
    float[][][] out = new float[contenders.size()][x[0].length][width];
    for (int step = 0; step < CHECKED_STEPS; step++) {
      for (int i = 0; i < contenders.size(); i++) {
        Contender contender = contenders.get(i);
        contender.step(x[step], out[i]);
        int same = first(contenders, contender.layer(), contender.weights());
        int float32 = first(contenders, contender.layer(), WeightFormat.F32);
        requireNear(step, contenders, i, same, out, TOLERANCE);
        requireNear(step, contenders, i, float32, out, BF16_TOLERANCE);
      }
    }
  }

  private static int first(List<Contender> contenders, String layer, WeightFormat weights) {
    int i = 0;
    while (contenders.get(i).weights() != weights || !contenders.get(i).layer().equals(layer)) {
      i++;
    }
    return i;
  }

  private static void requireNear(
      int step,
      List<Contender> contenders,
      int which,
      int expected,
      float[][][] out,
      double tolerance) {
    for (int s = 0; s < out[which].length; s++) {
      for (int k = 0; k < out[which][s].length; k++) {
        float value = out[which][s][k];
        float other = out[expected][s][k];
        if (!(Math.abs(value - other) <= tolerance)) {
          throw new IllegalStateException(
              "step %d, stream %d: output %d of %s with %s weights is %s, of %s with %s %s"
                  .formatted(
                      step,
                      s,
                      k,
                      contenders.get(which).name(),
                      contenders.get(which).weights(),
                      value,
                      contenders.get(expected).name(),
                      contenders.get(expected).weights(),
                      other));
        }
      }
    }
  }
}
