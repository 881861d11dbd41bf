package io.github.stillgate.bench.layer;

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
 * One JVM of {@link Layers}: all contenders of one case, some steps each in turn, every step timed,
 * or every sequence. Prints what it found as one line of JSON.
 */
public final class LayerFork {
  private static final int VECTORS = 256;

  /** Stream steps of a turn: a batch of many streams takes few steps, a sequence comes once. */
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

  private LayerFork() {}

  /**
   * A contender of one JVM.
   *
   * @param layer kind of layer
   * @param contender who runs it
   * @param weights format of its weights
   */
  record Who(String layer, String contender, WeightFormat weights) {}

  /**
   * Nanoseconds a step of all streams, or a sequence.
   *
   * @param who of whom
   * @param p50 median
   * @param p99 99th percentile
   * @param calls number of steps or sequences timed
   */
  record Found(Who who, double p50, double p99, long calls) {}

  /**
   * What one JVM says.
   *
   * @param found times, in the order of the table
   * @param leftOut one line for each contender that cannot run here
   */
  record Report(List<Found> found, List<String> leftOut) {}

  /** Runs with the arguments KIND UNITS STREAMS STEPS SECONDS. */
  public static void main(String[] args) throws IOException {
    List<String> backends =
        BackendRegistry.usable().stream()
            .map(Backend::name)
            .filter(name -> !name.equals("reference"))
            .toList();
    Case one = Case.of(List.of(args));
    List<Group> groups = Group.all(one, backends);
    groups.forEach(group -> group.contenders().forEach(Contender::warmUp));
    List<Found> found = run(groups, one, Double.parseDouble(args[4]));
    List<String> leftOut =
        groups.stream().flatMap(group -> group.leftOut().stream()).distinct().toList();
    System.out.println(JsonMapper.builder().build().writeValueAsString(new Report(found, leftOut)));
  }

  /** Checks and times the contenders of all groups together, and closes them. */
  static List<Found> run(List<Group> groups, Case one, double seconds) {
    float[][][] x = inputs(one);
    List<Contender> contenders =
        groups.stream().flatMap(group -> group.contenders().stream()).toList();
    try {
      groups.forEach(group -> requireEqualAnswers(group, one, x));
      float[][] out = new float[one.rows()][one.units()];
      List<Histogram> times = new ArrayList<>();
      for (Contender contender : contenders) {
        warmUp(contender, one, x, out);
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
      for (Group group : groups) {
        for (Contender contender : group.contenders()) {
          Histogram h = times.get(found.size());
          found.add(
              new Found(
                  new Who(group.layer(), contender.name(), contender.weights()),
                  h.getValueAtPercentile(50),
                  h.getValueAtPercentile(99),
                  h.getTotalCount()));
        }
      }
      return found;
    } finally {
      contenders.forEach(Contender::close);
    }
  }

  /** One input for each stream or step, {@link #VECTORS} times; every row has its own. */
  private static float[][][] inputs(Case one) {
    LayerKind.Weights random = new LayerKind.Weights(one.units(), new SplittableRandom(10));
    float[][] vectors = new float[VECTORS][];
    Arrays.setAll(vectors, _ -> random.values(one.units(), 1));
    float[][][] x = new float[VECTORS][one.rows()][];
    for (int call = 0; call < VECTORS; call++) {
      for (int row = 0; row < one.rows(); row++) {
        x[call][row] = vectors[(call + 7 * row) % VECTORS];
      }
    }
    return x;
  }

  /** In the loop that is measured, so that it is compiled. */
  private static void warmUp(Contender contender, Case one, float[][][] x, float[][] out) {
    Histogram discarded = new Histogram(LONGEST_NANOS, 3);
    long end = System.nanoTime() + WARM_UP_NANOS;
    do {
      turn(contender, x, out, discarded);
    } while (one.steps() * discarded.getTotalCount() < WARM_UP_STEPS && System.nanoTime() < end);
  }

  private static void turn(Contender contender, float[][][] x, float[][] out, Histogram times) {
    int calls = Math.max(1, TURN / out.length);
    for (int call = 0; call < calls; call++) {
      long start = System.nanoTime();
      contender.run(x[call % VECTORS], out);
      times.recordValue(System.nanoTime() - start);
    }
  }

  /** At least two calls: the second begins with the state that the first one left. */
  private static void requireEqualAnswers(Group group, Case one, float[][][] x) {
    List<Contender> contenders = group.contenders();
    float[][][] out = new float[contenders.size()][one.rows()][group.width()];
    int calls = Math.max(2, CHECKED_STEPS / one.steps());
    for (int call = 0; call < calls; call++) {
      for (int i = 0; i < contenders.size(); i++) {
        contenders.get(i).run(x[call], out[i]);
        int same = first(contenders, contenders.get(i).weights());
        requireNear(call, group, i, same, out, TOLERANCE);
        requireNear(call, group, i, 0, out, BF16_TOLERANCE);
      }
    }
  }

  private static int first(List<Contender> contenders, WeightFormat weights) {
    int i = 0;
    while (contenders.get(i).weights() != weights) {
      i++;
    }
    return i;
  }

  private static void requireNear(
      int call, Group group, int which, int expected, float[][][] out, double tolerance) {
    for (int row = 0; row < out[which].length; row++) {
      for (int k = 0; k < out[which][row].length; k++) {
        float value = out[which][row][k];
        float other = out[expected][row][k];
        if (!(Math.abs(value - other) <= tolerance)) {
          Contender wrong = group.contenders().get(which);
          Contender right = group.contenders().get(expected);
          throw new IllegalStateException(
              "%s, call %d, row %d: output %d of %s with %s weights is %s, of %s with %s %s"
                  .formatted(
                      group.layer(),
                      call,
                      row,
                      k,
                      wrong.name(),
                      wrong.weights(),
                      value,
                      right.name(),
                      right.weights(),
                      other));
        }
      }
    }
  }
}
