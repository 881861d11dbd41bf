package io.github.stillgate.bench.peer;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Sums;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.HdrHistogram.Histogram;

/**
 * One JVM of {@link Peers}: all contenders on one layer, some steps each in turn, every step timed.
 * Prints what it found as one line of JSON.
 */
public final class PeerFork {
  private static final int VECTORS = 256;
  private static final int TURN = 200;
  private static final long LONGEST_NANOS = 10_000_000_000L;

  private PeerFork() {}

  /**
   * Nanoseconds a step.
   *
   * @param contender who
   * @param p50 median
   * @param p99 99th percentile
   * @param steps number of steps timed
   */
  record Found(String contender, double p50, double p99, long steps) {}

  /** Runs with the arguments KIND UNITS SECONDS. */
  public static void main(String[] args) throws IOException {
    List<Found> found = run(layer(args[0], Integer.parseInt(args[1])), Double.parseDouble(args[2]));
    System.out.println(JsonMapper.builder().build().writeValueAsString(found));
  }

  /** A random layer as wide as its input. */
  static Layer layer(String kind, int units) {
    Weights weights = new Weights(units, new SplittableRandom(9));
    return switch (kind) {
      case "gru" ->
          Gru.named("gru")
              .update(weights.sums())
              .reset(weights.sums())
              .candidate(weights.sums())
              .build();
      case "lstm" ->
          Lstm.named("lstm")
              .input(weights.sums())
              .forget(weights.sums())
              .output(weights.sums())
              .cell(weights.sums())
              .build();
      default ->
          throw new IllegalArgumentException(
              "layer \"%s\" is not known (known: gru, lstm)".formatted(kind));
    };
  }

  private record Weights(int units, SplittableRandom random) {
    Matrix matrix() {
      return Matrix.of("w", units, units, values(units * units, 1.5 / Math.sqrt(units)));
    }

    Matrix vector() {
      return Matrix.vector("b", values(units, 0.2));
    }

    Sums sums() {
      return new Sums(matrix(), matrix(), vector());
    }

    float[] values(int count, double scale) {
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] = (float) (scale * random.nextDouble(-1, 1));
      }
      return values;
    }
  }

  static List<Found> run(Layer layer, double seconds) {
    float[][] x = new float[VECTORS][];
    Weights inputs = new Weights(layer.inputs(), new SplittableRandom(10));
    for (int i = 0; i < VECTORS; i++) {
      x[i] = inputs.values(layer.inputs(), 1);
    }
    List<StepContender> contenders = StepContender.all(layer);
    try {
      requireEqualAnswers(contenders, x, layer.outputs());
      List<Histogram> times = new ArrayList<>();
      for (StepContender contender : contenders) {
        times.add(new Histogram(LONGEST_NANOS, 3));
      }
      float[] out = new float[layer.outputs()];
      long end = System.nanoTime() + (long) (seconds * 1e9);
      int turn = 0;
      while (System.nanoTime() < end) {
        for (int i = 0; i < contenders.size(); i++) {
          int which = (i + turn) % contenders.size();
          time(contenders.get(which), x, out, times.get(which));
        }
        turn++;
      }
      List<Found> found = new ArrayList<>();
      for (int i = 0; i < contenders.size(); i++) {
        Histogram h = times.get(i);
        found.add(
            new Found(
                contenders.get(i).name(),
                h.getValueAtPercentile(50),
                h.getValueAtPercentile(99),
                h.getTotalCount()));
      }
      return found;
    } finally {
      contenders.forEach(StepContender::close);
    }
  }

  private static void time(StepContender contender, float[][] x, float[] out, Histogram times) {
    for (int step = 0; step < TURN; step++) {
      long start = System.nanoTime();
      contender.step(x[step % VECTORS], out);
      times.recordValue(System.nanoTime() - start);
    }
  }

  /** Also the warm-up. */
  private static void requireEqualAnswers(List<StepContender> contenders, float[][] x, int width) {
    float[][] out = new float[contenders.size()][width];
    for (int step = 0; step < 20_000; step++) {
      for (int i = 0; i < contenders.size(); i++) {
        contenders.get(i).step(x[step % VECTORS], out[i]);
        for (int k = 0; step < 50 && k < width; k++) {
          if (!(Math.abs(out[i][k] - out[0][k]) <= 1e-4)) {
            throw new IllegalStateException(
                "step %d: output %d of %s is %s, of %s %s"
                    .formatted(
                        step,
                        k,
                        contenders.get(i).name(),
                        out[i][k],
                        contenders.get(0).name(),
                        out[0][k]));
          }
        }
      }
    }
  }
}
