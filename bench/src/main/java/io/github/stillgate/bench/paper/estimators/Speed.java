package io.github.stillgate.bench.paper.estimators;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.ForkedJvm;
import io.github.stillgate.bench.paper.estimators.SpeedFork.Found;
import io.github.stillgate.bench.paper.estimators.SpeedFork.Way;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * One estimated network on one backend over several JVMs; times in nanoseconds, medians over the
 * JVMs.
 *
 * @param configuration its ranks
 * @param backend who
 * @param estimated median of a step, skipping
 * @param tail 99th percentile of a step, skipping
 * @param masked median of a step of the same network with every unit computed, then masked
 * @param dense median of a step without an estimate
 * @param denseTail its 99th percentile
 * @param estimatedI8 median of a step in int8, skipping
 * @param denseI8 median of a step in int8 without an estimate, inputs that are 0 left out
 * @param factor dense over estimated, in each JVM; the median of these
 * @param least factor of the JVM where it is least
 * @param greatest factor of the JVM where it is greatest
 * @param bound of the factor, in weights
 */
record Speed(
    String configuration,
    String backend,
    @JsonProperty("estimated_p50_ns") double estimated,
    @JsonProperty("estimated_p99_ns") double tail,
    @JsonProperty("masked_p50_ns") double masked,
    @JsonProperty("dense_p50_ns") double dense,
    @JsonProperty("dense_p99_ns") double denseTail,
    @JsonProperty("estimated_i8_p50_ns") double estimatedI8,
    @JsonProperty("dense_i8_p50_ns") double denseI8,
    double factor,
    @JsonProperty("least_factor") double least,
    @JsonProperty("greatest_factor") double greatest,
    double bound) {
  /** Share of the bound that the factor reaches. */
  double share() {
    return factor / bound;
  }

  /** Times a network in so many JVMs, on every backend that runs here. */
  static List<Speed> measure(Score score, Path file, Path mnist, int forks, double seconds)
      throws IOException, InterruptedException {
    List<List<Found>> reports = new ArrayList<>();
    for (int fork = 0; fork < forks; fork++) {
      String text =
          ForkedJvm.run(
              SpeedFork.class,
              List.of(),
              List.of(file.toString(), mnist.toString(), Double.toString(seconds)));
      reports.add(JsonMapper.builder().build().readValue(text, SpeedFork.Report.class).found());
    }
    return of(score, reports);
  }

  /** One line for each backend. */
  static List<Speed> of(Score score, List<List<Found>> reports) {
    return reports.getFirst().stream()
        .map(Found::backend)
        .distinct()
        .map(backend -> {
          double[] factors =
              sorted(
                  reports,
                  found ->
                      pick(found, backend, Way.DENSE).p50()
                          / pick(found, backend, Way.ESTIMATED).p50());
          return new Speed(
              score.configuration(),
              backend,
              median(sorted(reports, found -> pick(found, backend, Way.ESTIMATED).p50())),
              median(sorted(reports, found -> pick(found, backend, Way.ESTIMATED).p99())),
              median(sorted(reports, found -> pick(found, backend, Way.MASKED).p50())),
              median(sorted(reports, found -> pick(found, backend, Way.DENSE).p50())),
              median(sorted(reports, found -> pick(found, backend, Way.DENSE).p99())),
              median(sorted(reports, found -> pick(found, backend, Way.ESTIMATED_I8).p50())),
              median(sorted(reports, found -> pick(found, backend, Way.DENSE_I8).p50())),
              median(factors),
              factors[0],
              factors[factors.length - 1],
              score.bound());
        })
        .toList();
  }

  private static Found pick(List<Found> found, String backend, Way way) {
    return found.stream()
        .filter(f -> f.backend().equals(backend) && f.way() == way)
        .findFirst()
        .orElseThrow(
            () -> new IllegalStateException("a JVM did not time %s on %s".formatted(way, backend)));
  }

  private static double[] sorted(List<List<Found>> reports, ToDoubleFunction<List<Found>> value) {
    return reports.stream().mapToDouble(value).sorted().toArray();
  }

  private static double median(double[] sorted) {
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }
}
