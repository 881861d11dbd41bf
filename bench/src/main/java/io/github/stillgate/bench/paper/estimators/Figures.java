package io.github.stillgate.bench.paper.estimators;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.stillgate.bench.paper.estimators.EstimatedRuns.Trained;
import io.github.stillgate.cli.plot.Plot;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/** Draws figures 3.2, 3.3, 3.5 and 3.6 of what was trained. */
final class Figures {
  /** Minibatches that one point of figure 3.2 is the mean of. */
  private static final int WINDOW = 10;

  private final Path folder;
  private final List<String> lines = new ArrayList<>();

  /**
   * @param folder where the SVG files go
   */
  Figures(Path folder) {
    this.folder = folder;
  }

  /**
   * Draws what the runs hold. Returns lines of Markdown that name the figures and what is absent.
   */
  List<String> draw(EstimatedRuns runs) throws IOException {
    refresh(runs.refresh());
    rankErrors(runs.rankErrors());
    errors(runs);
    return lines;
  }

  /** Figure 3.2: right decisions in each minibatch, by how often the factors are refreshed. */
  private void refresh(List<JsonNode> records) throws IOException {
    if (records.isEmpty()) {
      lines.add("Figure 3.2 needs a run with `--trace`; there is none.");
      return;
    }
    JsonNode record = records.getFirst();
    Plot plot =
        new Plot(
            "Right decisions of the estimates, mean of the hidden layers (figure 3.2)",
            "epoch",
            "share of units");
    for (Iterator<String> names = record.path("result").path("networks").fieldNames();
        names.hasNext(); ) {
      String name = names.next();
      List<Double> agreement = minibatches(record, name);
      int perEpoch = agreement.size() / record.path("settings").path("trace").asInt();
      List<Double> x = new ArrayList<>();
      List<Double> y = new ArrayList<>();
      int window = Math.min(WINDOW, perEpoch);
      for (int i = 0; i + window <= agreement.size(); i += window) {
        x.add((i + window / 2.0) / perEpoch);
        y.add(mean(agreement.subList(i, i + window)));
      }
      String label =
          record.path("result").path("networks").path(name).path("configuration").asText();
      plot.line(label, x, y);
      lines.add(saw(label, agreement, perEpoch));
    }
    plot.save(folder.resolve("estimators-refresh.svg"));
    lines.add("[Figure 3.2](estimators-refresh.svg): right decisions in each minibatch.");
  }

  /** Mean over the hidden layers, minibatch by minibatch. */
  private static List<Double> minibatches(JsonNode record, String name) {
    List<Double> all = new ArrayList<>();
    for (JsonNode point : record.path("curve")) {
      JsonNode layers = point.path("networks").path(name).path("minibatches");
      for (int i = 0; i < layers.path(0).size(); i++) {
        double sum = 0;
        for (JsonNode layer : layers) {
          sum += layer.get(i).asDouble();
        }
        all.add(sum / layers.size());
      }
    }
    return all;
  }

  /** What happens where factors are refreshed and until the next time, from the third epoch on. */
  private static String saw(String label, List<Double> agreement, int perEpoch) {
    int every = label.contains(":every") ? Integer.parseInt(label.split(":every")[1]) : 1;
    int period = every * perEpoch;
    int edge = Math.max(1, Math.min(5, perEpoch / 2));
    double jump = 0;
    double drift = 0;
    int jumps = 0;
    for (int at = 0; at < agreement.size(); at += period) {
      if (at >= 2 * perEpoch) {
        double first = mean(agreement.subList(at, at + edge));
        int end = Math.min(at + period, agreement.size());
        jump += first - mean(agreement.subList(at - edge, at));
        drift += mean(agreement.subList(end - edge, end)) - first;
        jumps++;
      }
    }
    return String.format(
        Locale.ROOT,
        "%s: where the factors are refreshed the share of right decisions changes by %+.2f points, and"
            + " until the next time by %+.2f (means of %d times, from the third epoch on).",
        label,
        100 * jump / Math.max(1, jumps),
        100 * drift / Math.max(1, jumps),
        jumps);
  }

  /** Figure 3.3: error of the value and of the sign against rank. */
  private void rankErrors(List<JsonNode> found) throws IOException {
    if (found.isEmpty()) {
      lines.add("Figure 3.3 needs what `rank_error.py` writes; there is none.");
      return;
    }
    JsonNode layers = found.getFirst().path("layers");
    Plot plot =
        new Plot(
            "Error of a layer's output by rank (figure 3.3)",
            "rank",
            "error relative to the output");
    boolean always = true;
    for (Iterator<Map.Entry<String, JsonNode>> each = layers.fields(); each.hasNext(); ) {
      Map.Entry<String, JsonNode> layer = each.next();
      List<Double> ranks = doubles(layer.getValue().path("ranks"));
      List<Double> value = doubles(layer.getValue().path("value"));
      List<Double> sign = doubles(layer.getValue().path("sign"));
      always &= IntStream.range(0, ranks.size()).allMatch(i -> sign.get(i) <= value.get(i));
      int[] shown = IntStream.range(0, ranks.size()).filter(i -> i < 50 || i % 10 == 0).toArray();
      plot.line(layer.getKey() + ", sign alone", some(ranks, shown), some(sign, shown));
      plot.dashedAlike(layer.getKey() + ", value", some(ranks, shown), some(value, shown));
    }
    plot.save(folder.resolve("estimators-rank.svg"));
    lines.add(
        "[Figure 3.3](estimators-rank.svg): error of each layer's output by rank, of %s; the sign alone is %s."
            .formatted(
                found.getFirst().path("network").asText(),
                always ? "never worse than the value" : "worse than the value at some ranks"));
  }

  /** Figures 3.6 (all) and 3.5 (high and low rank): validation error over epochs. */
  private void errors(EstimatedRuns runs) throws IOException {
    Plot all = new Plot("Validation error (figure 3.6), mean of the seeds", "epoch", "percent");
    Plot two = new Plot("High and low rank (figure 3.5), mean of the seeds", "epoch", "percent");
    List<String> configurations = runs.configurations();
    for (String configuration : configurations) {
      List<Trained> seeds = runs.of(configuration);
      int epochs = seeds.getFirst().curve().size();
      double[] mean = new double[epochs];
      Arrays.setAll(
          mean, e -> seeds.stream().mapToDouble(s -> s.curve().get(e)).average().orElseThrow());
      List<Double> x = IntStream.rangeClosed(1, epochs).mapToObj(e -> (double) e).toList();
      List<Double> y = Arrays.stream(mean).boxed().toList();
      all.line(configuration, x, y);
      if (configuration.equals("control")
          || configuration.equals("50-35-25")
          || configuration.equals("10-10-5")) {
        two.line(configuration, x, y);
      }
      int best = IntStream.range(0, epochs).reduce(0, (a, b) -> mean[b] < mean[a] ? b : a);
      lines.add(
          String.format(
              Locale.ROOT,
              "%s: least validation error %.2f %% at epoch %d of %d; %.2f %% at the last.",
              configuration,
              mean[best],
              best + 1,
              epochs,
              mean[epochs - 1]));
    }
    all.save(folder.resolve("estimators-errors.svg"));
    two.save(folder.resolve("estimators-two-ranks.svg"));
    lines.add(
        "[Figure 3.6](estimators-errors.svg) and [figure 3.5](estimators-two-ranks.svg): validation"
            + " error over epochs.");
  }

  private static List<Double> doubles(JsonNode array) {
    List<Double> values = new ArrayList<>();
    array.forEach(value -> values.add(value.asDouble()));
    return values;
  }

  private static List<Double> some(List<Double> values, int[] which) {
    return Arrays.stream(which).mapToObj(values::get).toList();
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }
}
