package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.cli.plot.Plot;
import io.github.stillgate.tuning.LiveSweep;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What bounds on live units cost.
 *
 * @param model the file
 * @param data the file
 * @param backend its name and tier
 * @param steps steps of each run
 * @param points the runs, first the one without a bound
 */
record LiveReport(String model, String data, String backend, int steps, List<Row> points) {
  static final String NOTE =
      "PlanOptions.withMaxLive is approximate: of the gates that are open, the strongest are used.";

  /**
   * One run.
   *
   * @param maxLive units that may be live, or null for all
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Row(
      @JsonProperty("max_live") @Nullable Integer maxLive,
      @JsonProperty("live_fraction") List<Double> live,
      @JsonProperty("bytes_per_step") double bytesPerStep,
      @JsonProperty("most_bytes_per_step") long mostBytesPerStep,
      @JsonProperty("median_us") double medianMicros,
      @JsonProperty("largest_error") double largestError,
      @JsonProperty("rms_error") double rmsError,
      @JsonProperty("same_largest") double sameLargest,
      @JsonProperty("bits_per_char") @Nullable Double bitsPerChar) {
    static Row of(LiveSweep.Point point) {
      return new Row(
          point.maxLive().isPresent() ? point.maxLive().getAsInt() : null,
          point.live(),
          point.bytesPerStep(),
          point.mostBytesPerStep(),
          point.medianMicros(),
          point.largestError(),
          point.rmsError(),
          point.sameLargest(),
          point.bitsPerToken().isPresent() ? point.bitsPerToken().getAsDouble() : null);
    }

    private List<String> cells() {
      List<String> cells =
          new ArrayList<>(
              List.of(
                  maxLive == null ? "all" : maxLive.toString(),
                  Output.percents(live.stream().mapToDouble(l -> l).toArray()),
                  Output.number(bytesPerStep, 0),
                  Output.number(mostBytesPerStep, 0),
                  Output.number(medianMicros, 1),
                  String.format(Locale.ROOT, "%.2e", rmsError),
                  String.format(Locale.ROOT, "%.1f %%", 100 * sameLargest)));
      if (bitsPerChar != null) {
        cells.add(Output.number(bitsPerChar, 4));
      }
      return cells;
    }
  }

  /** The title of each column. */
  List<String> head() {
    List<String> head =
        new ArrayList<>(
            List.of(
                "at most live",
                "live, by layer",
                "bytes a step",
                "bytes at most",
                "median us",
                "rms error",
                "same largest"));
    if (points.get(0).bitsPerChar != null) {
      head.add("bits per char");
    }
    return head;
  }

  /** The cells of each run. */
  List<List<String>> rows() {
    return points.stream().map(Row::cells).toList();
  }

  String markdown() {
    StringBuilder text = new StringBuilder();
    text.append("# At most so many live units: %s%n%n".formatted(model));
    text.append(
        "%s steps of %s, backend %s. %s%n%n"
            .formatted(Output.number(steps, 0), data, backend, NOTE));
    text.append("| %s |%n".formatted(String.join(" | ", head())));
    text.append("|%s%n".formatted("---:|".repeat(head().size())));
    rows().forEach(row -> text.append("| %s |%n".formatted(String.join(" | ", row))));
    text.append("%n![score against the bound](tune.svg)%n".formatted());
    return text.toString();
  }

  /**
   * Draws the score, or the error where nothing is predicted, against the bytes of the longest
   * step.
   *
   * @throws IOException if the file cannot be written or this machine has no font
   */
  void draw(Path svg) throws IOException {
    boolean scored = points.get(0).bitsPerChar != null;
    String score = scored ? "bits per character" : "rms difference from the run without a bound";
    Plot plot =
        new Plot(
            "Score against the longest step; labels are units that may be live",
            "weight bytes that no step exceeds",
            score);
    List<Row> bounded = points.subList(1, points.size());
    plot.line(
        "bounded",
        bounded.stream().map(row -> (double) row.mostBytesPerStep).toList(),
        bounded.stream().map(row -> score(row, scored)).toList());
    double all = score(points.get(0), scored);
    double low = bounded.stream().mapToDouble(Row::mostBytesPerStep).min().orElse(0);
    plot.compared(
        "without a bound",
        List.of(low, (double) points.get(0).mostBytesPerStep),
        List.of(all, all));
    for (Row row : bounded) {
      plot.label(String.valueOf(row.maxLive), row.mostBytesPerStep, score(row, scored));
    }
    plot.save(svg);
  }

  private static double score(Row row, boolean scored) {
    return scored && row.bitsPerChar != null ? row.bitsPerChar : row.rmsError;
  }
}
