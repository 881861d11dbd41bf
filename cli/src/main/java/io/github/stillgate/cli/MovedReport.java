package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.tuning.FollowedLayer;
import io.github.stillgate.tuning.MovedPoint;
import io.github.stillgate.tuning.MovedResult;
import io.github.stillgate.tuning.MovedRule;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A finished sweep over thresholds of movement.
 *
 * @param model the file
 * @param data the file
 * @param backend its name and tier
 * @param steps steps of each run
 * @param inputBound the bound on inputs, if one was given
 * @param runsAsText whether {@code run} takes such a model and such data
 * @param layers all layers of the network
 * @param rule what the proposal holds; empty to propose none
 * @param result the runs, thresholds ascending
 */
@JsonPropertyOrder({
  "model",
  "data",
  "backend",
  "steps",
  "layers",
  "rule",
  "exact",
  "points",
  "by_layer",
  "proposed_theta",
  "options"
})
record MovedReport(
    String model,
    String data,
    String backend,
    int steps,
    @JsonIgnore Optional<Float> inputBound,
    @JsonIgnore boolean runsAsText,
    @JsonIgnore List<FollowedLayer> layers,
    @JsonIgnore Optional<MovedRule> rule,
    @JsonIgnore MovedResult result) {
  private static final String NOTE =
      "int8 weights and thresholds are approximate: outputs differ from those in float32, here and"
          + " more or less on other data.";

  @JsonProperty("layers")
  List<Map<String, Object>> columns() {
    List<Map<String, Object>> all = new ArrayList<>();
    for (FollowedLayer layer : layers) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", layer.name());
      one.put("columns", layer.columns().all());
      one.put("followed", layer.columns().followed());
      one.put("inputs_followed", layer.columns().inputs());
      all.add(one);
    }
    return all;
  }

  @JsonProperty("rule")
  Map<String, Double> limits() {
    Map<String, Double> limits = new LinkedHashMap<>();
    rule.ifPresent(given -> {
      given.maxChanged().ifPresent(share -> limits.put("max_changed", share));
      given.maxWorse().ifPresent(bits -> limits.put("max_worse", bits));
      given.maxError().ifPresent(error -> limits.put("max_error", error));
    });
    return limits;
  }

  @JsonProperty("exact")
  MovedRow exact() {
    return MovedRow.of(result.exact(), layers);
  }

  @JsonProperty("points")
  List<MovedRow> points() {
    return result.points().stream().map(point -> MovedRow.of(point, layers)).toList();
  }

  @JsonProperty("by_layer")
  List<MovedRow> byLayer() {
    return result.layers().stream().map(point -> MovedRow.of(point, layers)).toList();
  }

  @JsonInclude(JsonInclude.Include.NON_NULL)
  @JsonProperty("proposed_theta")
  @Nullable Integer proposedTheta() {
    return proposed().map(MovedResult::theta).orElse(null);
  }

  @JsonInclude(JsonInclude.Include.NON_NULL)
  @JsonProperty("options")
  @Nullable String options() {
    return proposed().map(point -> line(MovedResult.theta(point))).orElse(null);
  }

  private Optional<MovedPoint> proposed() {
    return rule.flatMap(limits -> limits.choose(result));
  }

  /** The Java expression that turns a threshold on. */
  String line(int theta) {
    return "PlanOptions.defaults().withWeights(WeightFormat.I8)%s%s"
        .formatted(
            inputBound.map(bound -> ".withInputBound(%sf)".formatted(bound)).orElse(""),
            theta == 0 ? "" : ".withMovementThreshold(%s)".formatted(theta));
  }

  /** What the numbers are, and which layers cannot leave anything out. */
  String notes() {
    StringBuilder text = new StringBuilder(NOTE);
    for (FollowedLayer layer : layers) {
      if (!layer.followsAll()) {
        text.append("%n%s".formatted(whole(layer)));
      }
    }
    return text.toString();
  }

  private String whole(FollowedLayer layer) {
    Plan.Columns columns = layer.columns();
    String which =
        columns.followed() == 0
            ? "none of its %s columns can".formatted(columns.all())
            : "%s of %s columns, %s, cannot"
                .formatted(
                    columns.all() - columns.followed(),
                    columns.all(),
                    columns.inputs() ? "of its states" : "its inputs' among them");
    boolean first = layer.equals(layers.getFirst());
    return "%s: %s be left out: no fixed scale in int8, or gates of its own%s."
        .formatted(
            layer.name(),
            which,
            first && !columns.inputs()
                ? " (inputs within [-1, 1] have one: --input-bound 1; quantize --data finds others)"
                : "");
  }

  /** What to do about it, and the lines that do it. */
  String advice() {
    if (rule.isEmpty()) {
      return "No proposal: steps of one output have no decision to count; say with --max-error D which"
          + " error is allowed.";
    }
    return proposed()
        .map(point -> {
          int theta = MovedResult.theta(point);
          return "Largest threshold with %s: theta %s, %s times fewer weight bytes than float32, %s times"
                  .formatted(
                      limitsInWords(),
                      theta,
                      Output.number(result.exact().bytesPerStep() / point.bytesPerStep(), 2),
                      Output.number(result.exact().medianMicros() / point.medianMicros(), 2))
              + " as fast. Turn it on with%n%n    %s%s%s"
                  .formatted(
                      line(theta),
                      runsAsText
                          ? "%n    ./stillgate run %s %s --weights i8%s"
                              .formatted(model, data, theta == 0 ? "" : " --theta " + theta)
                          : "",
                      forOneLayer());
        })
        .orElseGet(() ->
            "No run has %s, not even int8 with theta 0: stay with float32 or bf16,"
                    .formatted(limitsInWords())
                + " or allow more with --changed, --worse or --max-error.");
  }

  private String forOneLayer() {
    if (result.layers().isEmpty()) {
      return "";
    }
    return "%n%nFor one layer: .withMovementThreshold(\"LAYER\", N)%s; measure layers together again."
        .formatted(runsAsText ? ", --theta LAYER=N" : "");
  }

  private String limitsInWords() {
    List<String> words = new ArrayList<>();
    rule.ifPresent(given -> {
      given
          .maxChanged()
          .ifPresent(
              share -> words.add("at most %s of the decisions changed".formatted(percent(share))));
      given
          .maxWorse()
          .ifPresent(bits -> words.add("a score at most %s bits worse".formatted(bits)));
      given
          .maxError()
          .ifPresent(error -> words.add("a largest error of at most %s".formatted(error)));
    });
    return String.join(" and ", words);
  }

  List<String> head() {
    return head("theta");
  }

  /** The same for runs with a threshold in one layer. */
  List<String> layerHead() {
    return head("layer alone");
  }

  private List<String> head(String first) {
    List<String> head = new ArrayList<>(List.of("weights", first));
    layers.stream()
        .filter(FollowedLayer::isFollowed)
        .forEach(layer -> head.add("moved in " + layer.name()));
    head.addAll(
        List.of("bytes a step", "median us", "largest error", "rms error", "other decisions"));
    if (result.exact().bitsPerToken().isPresent()) {
      head.add("bits per char");
    }
    if (rule.isPresent()) {
      head.add("within");
    }
    return head;
  }

  /** float32, then the thresholds. */
  List<List<String>> rows() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(row(result.exact()));
    result.points().forEach(point -> rows.add(row(point)));
    return rows;
  }

  /** A row for each layer. */
  List<List<String>> layerRows() {
    return result.layers().stream().map(this::row).toList();
  }

  private List<String> row(MovedPoint point) {
    List<String> row = new ArrayList<>();
    switch (point.weights()) {
      case MovedPoint.Float32() -> row.addAll(List.of("float32", ""));
      case MovedPoint.Int8(int theta) -> row.addAll(List.of("int8", Integer.toString(theta)));
      case MovedPoint.Int8Layer(String layer, int theta) ->
          row.addAll(List.of("int8", "%s, theta %s".formatted(layer, theta)));
    }
    boolean isFloat = point.weights() instanceof MovedPoint.Float32;
    for (int at = 0; at < layers.size(); at++) {
      if (layers.get(at).isFollowed()) {
        row.add(isFloat ? "" : percent(point.moved().get(at)));
      }
    }
    row.addAll(
        List.of(
            Output.number(point.bytesPerStep(), 0),
            Output.number(point.medianMicros(), 1),
            scientific(point.largestError()),
            scientific(point.rmsError()),
            percent(point.changed())));
    point.bitsPerToken().ifPresent(bits -> row.add(Output.number(bits, 4)));
    rule.ifPresent(
        limits -> row.add(isFloat ? "" : limits.holds(result.exact(), point) ? "yes" : "no"));
    return row;
  }

  String markdown() {
    StringBuilder text = new StringBuilder();
    text.append("# Columns that moved: %s%n%n".formatted(model));
    text.append(
        "%s steps of %s, backend %s.%n%n%s%n%n"
            .formatted(Output.number(steps, 0), data, backend, notes()));
    table(head(), rows(), text);
    if (!result.layers().isEmpty()) {
      text.append("%n".formatted());
      table(layerHead(), layerRows(), text);
    }
    text.append("%n%s%n%n![score or error against weight bytes](tune.svg)%n".formatted(advice()));
    return text.toString();
  }

  private static void table(List<String> head, List<List<String>> rows, StringBuilder text) {
    text.append("| %s |%n".formatted(String.join(" | ", head)));
    text.append("|%s%n".formatted("---:|".repeat(head.size())));
    rows.forEach(row -> text.append("| %s |%n".formatted(String.join(" | ", row))));
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.2f %%", 100 * share);
  }

  private static String scientific(double value) {
    return value == 0 ? "0" : String.format(Locale.ROOT, "%.2e", value);
  }
}
