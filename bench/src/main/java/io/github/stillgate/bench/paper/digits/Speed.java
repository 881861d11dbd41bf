package io.github.stillgate.bench.paper.digits;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.ForkedJvm;
import io.github.stillgate.bench.paper.digits.SpeedFork.Found;
import io.github.stillgate.bench.paper.digits.SpeedFork.Times;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * One network in one variant on one backend over several JVMs: medians over the JVMs.
 *
 * @param network LAYERSxUNITS
 * @param variant format of the weights
 * @param runsIn the backend, or ONNX Runtime
 * @param speech times of frames within words
 * @param silence times of all others
 * @param overSpeech ONNX Runtime's median in speech over this one; null without it
 * @param overSilence the same in silence
 */
record Speed(
    String network,
    String variant,
    @JsonProperty("runs_in") String runsIn,
    Times speech,
    Times silence,
    @JsonProperty("factor_speech") @Nullable Factor overSpeech,
    @JsonProperty("factor_silence") @Nullable Factor overSilence) {
  /**
   * A ratio of times that was taken in each JVM.
   *
   * @param median over the JVMs
   * @param least of a JVM
   * @param greatest of a JVM
   */
  record Factor(double median, double least, double greatest) {}

  /** Times a network in so many JVMs; these take its folds in turn. */
  static List<Speed> measure(List<Trained> folds, int forks, double seconds)
      throws IOException, InterruptedException {
    List<List<Found>> reports = new ArrayList<>();
    for (int fork = 0; fork < forks; fork++) {
      String folder = folds.get(fork % folds.size()).folder().toString();
      String text =
          ForkedJvm.run(SpeedFork.class, List.of(), List.of(folder, Double.toString(seconds)));
      reports.add(JsonMapper.builder().build().readValue(text, SpeedFork.Report.class).found());
    }
    return of(folds.getFirst().name(), reports);
  }

  /** One line for each variant and engine. */
  static List<Speed> of(String network, List<List<Found>> reports) {
    List<Speed> speeds = new ArrayList<>();
    for (Found one : reports.getFirst()) {
      List<Found> all =
          reports.stream()
              .map(report -> pick(report, one.variant(), one.runsIn()).orElseThrow())
              .toList();
      speeds.add(
          new Speed(
              network,
              one.variant(),
              one.runsIn(),
              times(all, Found::speech),
              times(all, Found::silence),
              factor(reports, all, Found::speech),
              factor(reports, all, Found::silence)));
    }
    return speeds;
  }

  private static Optional<Found> pick(List<Found> report, String variant, String runsIn) {
    return report.stream()
        .filter(found -> found.variant().equals(variant) && found.runsIn().equals(runsIn))
        .findFirst();
  }

  private static Times times(List<Found> all, Function<Found, Times> kind) {
    return new Times(
        median(sorted(all, found -> kind.apply(found).p50())),
        median(sorted(all, found -> kind.apply(found).p99())),
        median(sorted(all, found -> kind.apply(found).mean())),
        all.stream().mapToLong(found -> kind.apply(found).frames()).sum());
  }

  private static @Nullable Factor factor(
      List<List<Found>> reports, List<Found> all, Function<Found, Times> kind) {
    double[] factors = new double[all.size()];
    for (int jvm = 0; jvm < factors.length; jvm++) {
      Optional<Found> peer =
          reports.get(jvm).stream()
              .filter(found -> found.runsIn().equals(Spotter.PEER))
              .findFirst();
      if (peer.isEmpty()) {
        return null;
      }
      factors[jvm] = kind.apply(peer.get()).p50() / kind.apply(all.get(jvm)).p50();
    }
    Arrays.sort(factors);
    return new Factor(median(factors), factors[0], factors[factors.length - 1]);
  }

  private static double[] sorted(List<Found> all, ToDoubleFunction<Found> value) {
    return all.stream().mapToDouble(value).sorted().toArray();
  }

  private static double median(double[] sorted) {
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }

  boolean isPeer() {
    return runsIn.equals(Spotter.PEER);
  }

  /** Mean microseconds of a frame of audio of which so much is speech. */
  double microseconds(double share) {
    return (share * speech.mean() + (1 - share) * silence.mean()) / 1e3;
  }
}
