package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import io.github.stillgate.tuning.DensePoint;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A finished sweep over estimates of dense layers.
 *
 * @param model the file
 * @param data the file
 * @param backend its name and tier
 * @param layers names of the layers that can be estimated
 * @param steps steps of each run
 * @param maxError largest error the choice may have; null to choose none
 * @param zeroInputBound weight bytes over those of a network that leaves out inputs that are 0
 * @param exact the run without estimates
 * @param points the others
 */
@JsonPropertyOrder({
  "model",
  "data",
  "backend",
  "layers",
  "steps",
  "max_error",
  "zero_input_bound",
  "exact",
  "points"
})
record ReluReport(
    String model,
    String data,
    String backend,
    List<String> layers,
    int steps,
    @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("max_error") @Nullable Double maxError,
    @JsonProperty("zero_input_bound") double zeroInputBound,
    @JsonIgnore DensePoint exact,
    @JsonIgnore List<DensePoint> points) {
  static final String NOTE =
      "A network with estimates is another network: outputs differ from the exact run, here and more"
          + " or less on other data.";

  static final List<String> LAYER_HEAD =
      List.of(
          "ranks",
          "share",
          "layer",
          "rank",
          "tau",
          "live",
          "missed",
          "in vain",
          "lost",
          "bytes a step",
          "median us",
          "dense us",
          "factor",
          "bound");

  @JsonProperty("exact")
  ReluPoint exactPoint() {
    return ReluPoint.of(exact, exact);
  }

  @JsonProperty("points")
  List<ReluPoint> listed() {
    return points.stream().map(point -> ReluPoint.of(point, exact)).toList();
  }

  private Optional<DensePoint> fastest(double error) {
    return points.stream()
        .filter(point -> point.largestError() <= error)
        .filter(point -> point.cost().medianMicros() < exact.cost().medianMicros())
        .min(Comparator.comparingDouble(point -> point.cost().medianMicros()));
  }

  /** What to do about it, in one or two sentences. */
  String advice() {
    if (maxError == null) {
      return "Keep one with --save RANKS FILE and --share; --max-error D names the fastest within D.";
    }
    return fastest(maxError)
        .map(point ->
            ("Fastest within %s: ranks %s, share %s, %s times as fast as the exact run. Keep it with"
                    + " --save %s FILE --share %s")
                .formatted(
                    maxError,
                    ReluTuning.text(point.ranks()),
                    point.share(),
                    Output.number(exact.cost().medianMicros() / point.cost().medianMicros(), 2),
                    ReluTuning.text(point.ranks()),
                    point.share()))
        .orElse(
            "No point is both faster than the exact run and within %s of it: leave the layers as they"
                    .formatted(maxError)
                + " are, allow more with --max-error, or try other --ranks and --share. A network"
                + " that is trained with estimates loses less.");
  }

  /** What the columns are. */
  String legend() {
    return ("live: alpha, the share of units whose row is read; missed: units above 0 that are not"
            + " live; in vain: live units that are 0, both of all units;%n"
            + "lost: norm of what the mask takes from the layer over that of what it gives; bound:"
            + " weight bytes of the exact network over these, d h / (k (d + h) + alpha d h).%n"
            + "Exact skipping of inputs that are 0 is not run: it comes with packs by columns. Its"
            + " bytes are counted on the exact run.")
        .formatted();
  }

  List<String> head() {
    List<String> head =
        new ArrayList<>(
            List.of(
                "ranks",
                "share",
                "live",
                "missed",
                "in vain",
                "bytes a step",
                "median us",
                "factor",
                "bound",
                "largest error",
                "rms error",
                "same largest output"));
    if (exact.bitsPerToken().isPresent()) {
      head.add("bits per char");
    }
    return head;
  }

  /** The exact run, the baseline that is not run, then the points. */
  List<List<String>> rows() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(row("exact", "", exact));
    List<String> baseline =
        new ArrayList<>(
            List.of(
                "zero inputs left out",
                "",
                "",
                "",
                "",
                Output.number(exact.cost().bytesPerStep() / zeroInputBound, 0),
                "not run",
                "not run",
                Output.number(zeroInputBound, 2),
                "0",
                "0",
                percent(1)));
    exact.bitsPerToken().ifPresent(bits -> baseline.add(Output.number(bits, 4)));
    rows.add(baseline);
    points.forEach(point -> rows.add(row(ReluTuning.text(point.ranks()), share(point), point)));
    return rows;
  }

  private static String share(DensePoint point) {
    return point.share() == 0 ? "tau 0" : Double.toString(point.share());
  }

  private List<String> row(String ranks, String share, DensePoint point) {
    List<String> row =
        new ArrayList<>(
            List.of(
                ranks,
                share,
                percent(point.signs().liveFraction()),
                percent(point.signs().falseNegatives()),
                percent(point.signs().falsePositives()),
                Output.number(point.cost().bytesPerStep(), 0),
                Output.number(point.cost().medianMicros(), 1),
                Output.number(exact.cost().medianMicros() / point.cost().medianMicros(), 2),
                Output.number(point.bound(), 2),
                scientific(point.largestError()),
                scientific(point.rmsError()),
                percent(point.sameLargest())));
    point.bitsPerToken().ifPresent(bits -> row.add(Output.number(bits, 4)));
    return row;
  }

  /** A row for each layer of each point. */
  List<List<String>> layerRows() {
    List<List<String>> rows = new ArrayList<>();
    for (DensePoint point : points) {
      for (var layer : point.layers()) {
        rows.add(
            List.of(
                ReluTuning.text(point.ranks()),
                share(point),
                layer.name(),
                Integer.toString(layer.rank()),
                String.format(Locale.ROOT, "%.3f", layer.tau()),
                percent(layer.signs().liveFraction()),
                percent(layer.signs().falseNegatives()),
                percent(layer.signs().falsePositives()),
                percent(layer.relativeError()),
                Output.number(layer.cost().bytesPerStep(), 0),
                Output.number(layer.cost().medianMicros(), 1),
                Output.number(layer.denseCost().medianMicros(), 1),
                Output.number(layer.denseCost().medianMicros() / layer.cost().medianMicros(), 2),
                Output.number(layer.bound(), 2)));
      }
    }
    return rows;
  }

  String markdown() {
    StringBuilder text = new StringBuilder();
    text.append("# Estimated dense layers: %s%n%n".formatted(model));
    text.append(
        "%s steps of %s, backend %s, layers %s. %s%n%n"
            .formatted(Output.number(steps, 0), data, backend, String.join(", ", layers), NOTE));
    table(head(), rows(), text);
    text.append("%n".formatted());
    table(LAYER_HEAD, layerRows(), text);
    text.append("%n%s%n%n%s%n%n![error against time](tune.svg)%n".formatted(legend(), advice()));
    return text.toString();
  }

  private static void table(List<String> head, List<List<String>> rows, StringBuilder text) {
    text.append("| %s |%n".formatted(String.join(" | ", head)));
    text.append("|%s%n".formatted("---:|".repeat(head.size())));
    rows.forEach(row -> text.append("| %s |%n".formatted(String.join(" | ", row))));
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  private static String scientific(double value) {
    return value == 0 ? "0" : String.format(Locale.ROOT, "%.2e", value);
  }
}
