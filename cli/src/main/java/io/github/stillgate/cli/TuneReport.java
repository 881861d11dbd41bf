package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
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
 * @param exact the run all others are compared with
 * @param points one run an epsilon, ascending
 */
record TuneReport(
    String model,
    String data,
    String backend,
    List<String> layers,
    int steps,
    @JsonProperty("max_error") double maxError,
    TunePoint exact,
    List<TunePoint> points) {
  static final String NOTE =
      "Skipping.below is approximate: outputs differ from the exact run, here and more or less on"
          + " other data.";

  /**
   * The fastest point of one rank within the error.
   *
   * @throws IllegalArgumentException if there is none
   */
  TunePoint fastestOf(int rank) {
    return points.stream()
        .filter(point -> point.rank() != null && point.rank() == rank)
        .filter(point -> point.largestError() <= maxError)
        .min(Comparator.comparingDouble(TunePoint::medianStep))
        .orElseThrow(() ->
            new IllegalArgumentException(
                "no run of rank %s is within %s of the exact one, so nothing was saved; allow more"
                        .formatted(rank, number(maxError))
                    + " with --max-error, or try a higher rank or lower --epsilons"));
  }

  /** The fastest point within the error, if one is faster than the exact run. */
  Optional<TunePoint> chosen() {
    return points.stream()
        .filter(point -> point.largestError() <= maxError)
        .filter(point -> point.medianStep() < exact.medianStep())
        .min(Comparator.comparingDouble(TunePoint::medianStep));
  }

  @JsonInclude(JsonInclude.Include.NON_NULL)
  @JsonProperty("chosen_epsilon")
  @Nullable Double chosenEpsilon() {
    return chosen().map(TunePoint::epsilon).orElse(null);
  }

  /** What to do about it, in one or two sentences. */
  String advice() {
    return chosen()
        .map(point ->
            "Fastest within %s: epsilon %s%s, %s times as fast as the exact run. %s%n%n    %s"
                .formatted(
                    number(maxError),
                    number(point.epsilon()),
                    point.rank() == null ? "" : ", rank " + point.rank(),
                    Output.number(exact.medianStep() / point.medianStep(), 2),
                    point.rank() == null
                        ? "Turn it on with"
                        : "Keep the estimate with --save %s FILE, load that and use"
                            .formatted(point.rank()),
                    line(point)))
        .orElseGet(() ->
            "No epsilon is both faster than the exact run and within %s of it: stay exact, allow"
                    .formatted(number(maxError))
                + " more with --max-error, or try other --epsilons.");
  }

  /** The Java expression that turns a point on. */
  static String line(TunePoint point) {
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
    if (exact.bitsPerChar() != null) {
      head.add("bits per char");
    }
    return head;
  }

  /** The exact run, then the points. */
  List<List<String>> rows() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(row("exact", exact));
    points.forEach(point -> rows.add(row(number(point.epsilon()), point)));
    return rows;
  }

  private List<String> row(String name, TunePoint point) {
    List<String> row =
        new ArrayList<>(
            List.of(
                name,
                point.rank() == null ? "" : point.rank().toString(),
                String.format(Locale.ROOT, "%.1f %%", 100 * point.liveFraction()),
                Output.number(point.bytesPerStep(), 0),
                Output.number(point.medianStep(), 1),
                scientific(point.largestError()),
                scientific(point.rmsError())));
    if (point.bitsPerChar() != null) {
      row.add(Output.number(point.bitsPerChar(), 4));
    }
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
