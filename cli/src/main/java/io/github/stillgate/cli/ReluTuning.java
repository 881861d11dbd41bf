package io.github.stillgate.cli;

import io.github.stillgate.core.model.Dense;
import io.github.stillgate.tuning.DenseEstimates;
import io.github.stillgate.tuning.DensePoint;
import io.github.stillgate.tuning.DenseSweep;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** What {@code tune} does with dense layers with relu. */
final class ReluTuning {
  /** Parts of the rank with which an estimate has as many weights as its layer. */
  private static final int[] PARTS = {16, 8, 4};

  private final TuneTask task;
  private final List<Double> agreements;
  private final @Nullable Double maxError;
  private final Function<String, CommandLine.ParameterException> usage;
  private final List<Dense> layers;

  /**
   * Nothing yet.
   *
   * @param usage makes an exception of what is wrong with an option
   */
  ReluTuning(
      TuneTask task,
      List<Double> agreements,
      @Nullable Double maxError,
      Function<String, CommandLine.ParameterException> usage) {
    this.task = task;
    this.agreements = agreements;
    this.maxError = maxError;
    this.usage = usage;
    this.layers = DenseEstimates.layers(task.network());
    if (layers.isEmpty()) {
      throw new IllegalArgumentException(
          "%s has no layer to estimate: estimates are for dense layers with relu"
              .formatted(task.model()));
    }
  }

  /** Ranks as they are written: {@code 50-35-25}. */
  static String text(List<Integer> ranks) {
    return ranks.stream().map(String::valueOf).collect(Collectors.joining("-"));
  }

  /**
   * Sweeps, reports and saves.
   *
   * @param rankTexts what is asked for
   * @param shares of units above 0 that each of the ranks is tried with
   * @param save ranks and a file, or nothing
   */
  void tune(List<String> rankTexts, List<Double> shares, List<String> save) throws IOException {
    DenseEstimates estimates = new DenseEstimates(task.network(), task.inputs(), task.options());
    Set<List<Integer>> asked = new LinkedHashSet<>();
    rankTexts.forEach(ranks -> asked.add(parsed(ranks, "--ranks")));
    // Before anything that takes long.
    asked.forEach(estimates::requireRanks);
    List<Integer> kept = save.isEmpty() ? List.of() : parsed(save.get(0), "--save");
    if (!save.isEmpty() && agreements.isEmpty() && !asked.isEmpty() && !asked.contains(kept)) {
      throw notSwept(save.get(0), asked);
    }
    agreements.forEach(agreement -> asked.add(estimates.ranks(agreement)));
    if (asked.isEmpty()) {
      Arrays.stream(PARTS).forEach(part -> asked.add(partOfBreakEven(part)));
    }
    if (!save.isEmpty() && !asked.contains(kept)) {
      throw notSwept(save.get(0), asked);
    }
    ReluReport report = sweep(estimates, asked, shares.stream().distinct().toList());
    report(report);
    if (!save.isEmpty()) {
      save(estimates, kept, shares.get(0), Path.of(save.get(1)));
    }
  }

  private CommandLine.ParameterException notSwept(String ranks, Set<List<Integer>> asked) {
    return usage.apply(
        "--save %s: no ranks among those that are tried: %s"
            .formatted(ranks, asked.stream().map(ReluTuning::text).toList()));
  }

  /** One rank a layer, or one for all of them. */
  private List<Integer> parsed(String text, String option) {
    List<Integer> ranks = new ArrayList<>();
    for (String rank : text.split("-", -1)) {
      try {
        ranks.add(Integer.parseInt(rank));
      } catch (NumberFormatException e) {
        throw usage.apply(
            "%s: '%s' is not a rank a layer, such as 50-35-25, nor one for all"
                .formatted(option, text));
      }
    }
    if (ranks.size() == 1) {
      return layers.stream().map(_ -> ranks.get(0)).toList();
    }
    if (ranks.size() != layers.size()) {
      throw usage.apply(
          "%s: %s has %d ranks for %d dense layers with relu: %s"
              .formatted(
                  option,
                  text,
                  ranks.size(),
                  layers.size(),
                  layers.stream().map(Dense::name).toList()));
    }
    return List.copyOf(ranks);
  }

  private List<Integer> partOfBreakEven(int part) {
    return layers.stream()
        .map(layer -> {
          long d = layer.inputs();
          long h = layer.outputs();
          return (int) Math.max(1, d * h / (d + h) / part);
        })
        .toList();
  }

  private ReluReport sweep(
      DenseEstimates estimates, Set<List<Integer>> asked, List<Double> shares) {
    long runs = DenseSweep.runs() * (1L + (long) asked.size() * shares.size());
    try (Progress progress = Progress.of("exact run", runs * task.inputs().steps(), !task.json());
        DenseSweep sweep =
            DenseSweep.of(task.network(), task.inputs(), task.options(), progress::advance)) {
      List<DensePoint> points = new ArrayList<>();
      for (List<Integer> ranks : asked) {
        for (double share : shares) {
          progress.say("ranks %s, share %s".formatted(text(ranks), share));
          points.add(sweep.estimated(estimates, ranks, share));
        }
      }
      return new ReluReport(
          task.model().toString(),
          task.data().toString(),
          task.kernels(),
          layers.stream().map(Dense::name).toList(),
          task.inputs().steps(),
          maxError,
          sweep.zeroInputBound(),
          sweep.exact(),
          points);
    }
  }

  private void report(ReluReport report) throws IOException {
    task.write(report, report.markdown());
    Output console = task.console();
    if (task.json()) {
      console.json(report);
    } else {
      console.line(
          "%s steps of %s, backend %s, layers %s",
          Output.number(report.steps(), 0),
          task.data(),
          report.backend(),
          String.join(", ", report.layers()));
      console.line("%s", ReluReport.NOTE);
      console.line("");
      console.table(report.head(), report.rows());
      console.line("");
      console.table(ReluReport.LAYER_HEAD, report.layerRows());
      console.line("");
      console.lines(report.legend());
      console.line("");
      console.lines(report.advice());
      console.line("");
    }
    new ReluPlot(report).save(task.out().resolve("tune.svg"));
    if (!task.json()) {
      console.line("Written: %s", task.out().resolve("tune.{json,md,svg}"));
    }
  }

  private void save(DenseEstimates estimates, List<Integer> ranks, double share, Path file)
      throws IOException {
    task.save(
        estimates.of(ranks, share),
        file,
        "dense layers estimated at ranks %s, %s"
            .formatted(
                text(ranks),
                share == DenseEstimates.NO_THRESHOLD
                    ? "no threshold"
                    : "thresholds for a share of " + share));
    if (!task.json()) {
      task.console().line("Saved: %s, with ranks %s and share %s", file, text(ranks), share);
    }
  }
}
