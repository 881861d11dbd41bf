package io.github.stillgate.bench.paper.estimators;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * One row of Table 3.3: all seeds of one configuration.
 *
 * @param configuration {@code control} or its ranks
 * @param scores one for each seed
 */
record Row(String configuration, List<Score> scores) {
  /** Table 3.3: test error in percent, mean and deviation of 10 runs. */
  private static final Map<String, double[]> PAPER =
      Map.of(
          "control", new double[] {1.1240, 0.0737},
          "50-35-25", new double[] {1.1500, 0.0671},
          "25-25-25", new double[] {1.2335, 0.0502},
          "15-10-5", new double[] {1.5245, 0.0698},
          "10-10-5", new double[] {3.2730, 0.2556});

  boolean isControl() {
    return configuration.equals("control");
  }

  /** The rank of the estimate of a hidden layer. */
  String rank(int layer) {
    return configuration.split("-")[layer];
  }

  /** What the paper prints, or a dash. */
  String paper() {
    double[] printed = PAPER.get(configuration);
    return printed == null
        ? "-"
        : String.format(Locale.ROOT, "%.3f +- %.3f", printed[0], printed[1]);
  }

  /** Mean over the seeds. */
  double mean(ToDoubleFunction<Score> value) {
    return scores.stream().mapToDouble(value).average().orElseThrow();
  }

  /** Least of the seeds. */
  double least(ToDoubleFunction<Score> value) {
    return scores.stream().mapToDouble(value).min().orElseThrow();
  }

  /** Deviation over the seeds (n - 1); NaN of a single one. */
  double deviation(ToDoubleFunction<Score> value) {
    double mean = mean(value);
    double squares =
        scores.stream().mapToDouble(s -> Math.pow(value.applyAsDouble(s) - mean, 2)).sum();
    return scores.size() == 1 ? Double.NaN : Math.sqrt(squares / (scores.size() - 1));
  }

  /** Mean over the seeds, layer by layer. */
  double[] layers(Function<Score, double[]> shares) {
    double[] mean = new double[shares.apply(scores.getFirst()).length];
    Arrays.setAll(mean, l -> mean(score -> shares.apply(score)[l]));
    return mean;
  }
}
