package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import io.github.stillgate.tuning.SweepPoint;
import io.github.stillgate.tuning.SweepResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A finished sweep.
 *
 * @param model the file
 * @param data the file
 * @param backend its name and tier
 * @param layers names of the approximated layers
 * @param steps steps of each run
 * @param maxError largest error the choice may have
 * @param result the runs, epsilons ascending
 */
@JsonPropertyOrder({
  "model",
  "data",
  "backend",
  "layers",
  "steps",
  "max_error",
  "exact",
  "points",
  "chosen_epsilon"
})
record TuneReport(
    String model,
    String data,
    String backend,
    List<String> layers,
    int steps,
    @JsonProperty("max_error") double maxError,
    @JsonIgnore SweepResult result) {
  static final String NOTE =
      "Skipping.below is approximate: outputs differ from the exact run, here and more or less on"
          + " other data.";

  /**
   * The fastest point of one rank within the error.
   *
   * @throws IllegalArgumentException if there is none
   */
  SweepPoint fastestOf(int rank) {
    return result
        .fastestOf(rank, maxError)
        .orElseThrow(() ->
            new IllegalArgumentException(
                "no run of rank %s is within %s of the exact one, so nothing was saved; allow more"
                        .formatted(rank, number(maxError))
                    + " with --max-error, or try a higher rank or lower --epsilons"));
  }

  @JsonProperty("exact")
  TunePoint exact() {
    return TunePoint.of(result.exact());
  }

  @JsonProperty("points")
  List<TunePoint> points() {
    return result.points().stream().map(TunePoint::of).toList();
  }

  @JsonInclude(JsonInclude.Include.NON_NULL)
  @JsonProperty("chosen_epsilon")
  @Nullable Double chosenEpsilon() {
    return result.fastest(maxError).map(point -> (double) point.epsilon()).orElse(null);
  }

  /** What to do about it, in one or two sentences. */
  String advice() {
    return result
        .fastest(maxError)
        .map(point ->
            "Fastest within %s: epsilon %s%s, %s times as fast as the exact run. %s%n%n    %s"
                .formatted(
                    number(maxError),
                    number(point.epsilon()),
                    point.rank().isEmpty() ? "" : ", rank " + point.rank().getAsInt(),
                    Output.number(result.exact().medianMicros() / point.medianMicros(), 2),
                    point.rank().isEmpty()
                        ? "Turn it on with"
                        : "Keep the estimate with --save %s FILE, load that and use"
                            .formatted(point.rank().getAsInt()),
                    line(point)))
        .orElseGet(() ->
            "No epsilon is both faster than the exact run and within %s of it: stay exact, allow"
                    .formatted(number(maxError))
                + " more with --max-error, or try other --epsilons.");
  }

  /** The Java expression that turns a point on. */
  static String line(SweepPoint point) {
    return "PlanOptions.defaults().withSkipping(Skipping.below(%sf))"
        .formatted(number(point.epsilon()));
  }

  List<String> head() {
    List<String> head =
        new ArrayList<>(
            List.of(
                "epsilon",
                "rank",
                "live",
                "bytes a step",
                "median us",
                "largest error",
                "rms error"));
    if (result.exact().bitsPerToken().isPresent()) {
      head.add("bits per char");
    }
    return head;
  }

  /** The exact run, then the points. */
  List<List<String>> rows() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(row("exact", result.exact()));
    result.points().forEach(point -> rows.add(row(number(point.epsilon()), point)));
    return rows;
  }

  private List<String> row(String name, SweepPoint point) {
    List<String> row =
        new ArrayList<>(
            List.of(
                name,
                point.rank().isEmpty() ? "" : Integer.toString(point.rank().getAsInt()),
                String.format(Locale.ROOT, "%.1f %%", 100 * point.liveFraction()),
                Output.number(point.bytesPerStep(), 0),
                Output.number(point.medianMicros(), 1),
                scientific(point.largestError()),
                scientific(point.rmsError())));
    point.bitsPerToken().ifPresent(bits -> row.add(Output.number(bits, 4)));
    return row;
  }

  String markdown() {
    StringBuilder text = new StringBuilder();
    text.append("# Skipping below epsilon: %s%n%n".formatted(model));
    text.append(
        "%s steps of %s, backend %s, layers %s. %s%n%n"
            .formatted(Output.number(steps, 0), data, backend, String.join(", ", layers), NOTE));
    text.append("| %s |%n".formatted(String.join(" | ", head())));
    text.append("|%s%n".formatted("---:|".repeat(head().size())));
    rows().forEach(row -> text.append("| %s |%n".formatted(String.join(" | ", row))));
    text.append("%n%s%n%n![error against time](tune.svg)%n".formatted(advice()));
    return text.toString();
  }

  private static String scientific(double value) {
    return value == 0 ? "0" : String.format(Locale.ROOT, "%.2e", value);
  }

  /** As it was typed: a float that was widened has digits nobody meant. */
  private static String number(double value) {
    return Float.toString((float) value);
  }
}
