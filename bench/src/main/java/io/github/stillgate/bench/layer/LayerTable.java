package io.github.stillgate.bench.layer;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.bench.layer.LayerFork.Found;
import io.github.stillgate.bench.layer.LayerFork.Who;
import io.github.stillgate.core.plan.WeightFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** Medians over the JVMs of a case, and ratios between contenders of the same JVM. */
final class LayerTable {
  /** The other runtime, as it calls itself. */
  static final String PEER = "onnxruntime";

  private static final List<String> COLUMNS =
      List.of(
          "layer",
          "n",
          "streams",
          "steps",
          "",
          "weights",
          "p50 us",
          "p99 us",
          "p50 / ORT",
          "p99 / ORT",
          "over our LSTM",
          "over ONNX Runtime's LSTM",
          "float32 / p50");

  private LayerTable() {}

  /**
   * One line of the table: nanoseconds a step of all streams or a sequence, medians over the forks,
   * and the same over other contenders' of the same JVM.
   *
   * @param layer kind of layer
   * @param beside the kind that it is timed beside, if it is there for comparison only
   * @param units its width
   * @param streams streams that step together
   * @param steps steps of the sequence; 1 for a single step
   * @param contender who
   * @param weights format of its weights
   * @param p50 median
   * @param p99 99th percentile
   * @param p50Ratio median over ONNX Runtime's for the same layer, or null without it
   * @param p99Ratio 99th percentile over ONNX Runtime's
   * @param overOurs median over that of the same contender's LSTM with the same format of weights,
   *     for a kind that other runtimes do not have
   * @param overPeers median over that of ONNX Runtime's LSTM, for such a kind
   * @param float32Speedup median of the same contender with float32 weights over this one's
   */
  record Line(
      String layer,
      @Nullable String beside,
      int units,
      int streams,
      int steps,
      String contender,
      WeightFormat weights,
      @JsonProperty("p50_ns") double p50,
      @JsonProperty("p99_ns") double p99,
      @JsonProperty("p50_over_onnxruntime") @Nullable Double p50Ratio,
      @JsonProperty("p99_over_onnxruntime") @Nullable Double p99Ratio,
      @JsonProperty("p50_over_our_lstm") @Nullable Double overOurs,
      @JsonProperty("p50_over_onnxruntime_lstm") @Nullable Double overPeers,
      @JsonProperty("speed_up_over_float32") @Nullable Double float32Speedup) {
    /** The line in Markdown. */
    String row() {
      return LayerTable.row(
          List.of(
              beside == null ? layer : layer + " beside " + beside,
              Integer.toString(units),
              Integer.toString(streams),
              Integer.toString(steps),
              contender,
              weights.name().toLowerCase(Locale.ROOT),
              number(p50 / 1e3),
              number(p99 / 1e3),
              number(p50Ratio),
              number(p99Ratio),
              number(overOurs),
              number(overPeers),
              number(float32Speedup)));
    }
  }

  /** The lines above all rows. */
  static List<String> header() {
    return List.of(row(COLUMNS), "|" + "---|".repeat(COLUMNS.size()));
  }

  private static String row(List<String> cells) {
    return "| " + String.join(" | ", cells) + " |";
  }

  private static String number(@Nullable Double value) {
    return value == null ? "" : String.format(Locale.ROOT, "%.2f", value);
  }

  /** The lines of one case; {@code runs} are what each JVM found. */
  static List<Line> lines(Case one, List<List<Found>> runs) {
    List<Line> lines = new ArrayList<>();
    for (Found first : runs.getFirst()) {
      lines.add(line(one, first.who(), runs));
    }
    return lines;
  }

  private static Line line(Case one, Who who, List<List<Found>> runs) {
    Optional<String> other = LayerKind.of(who.layer()).comparedWith().map(LayerKind::name);
    Who peer = new Who(who.layer(), PEER, WeightFormat.F32);
    Who float32 = new Who(who.layer(), who.contender(), WeightFormat.F32);
    return new Line(
        who.layer(),
        who.layer().equals(one.layer()) ? null : one.layer(),
        one.units(),
        one.streams(),
        one.steps(),
        who.contender(),
        who.weights(),
        median(runs, run -> of(run, who).p50()),
        median(runs, run -> of(run, who).p99()),
        ratio(runs, who, peer, Found::p50),
        ratio(runs, who, peer, Found::p99),
        other
            .map(
                kind -> ratio(runs, who, new Who(kind, who.contender(), who.weights()), Found::p50))
            .orElse(null),
        other
            .map(kind -> ratio(runs, who, new Who(kind, PEER, WeightFormat.F32), Found::p50))
            .orElse(null),
        who.weights() == WeightFormat.F32 ? null : ratio(runs, float32, who, Found::p50));
  }

  /** Median over the runs of what is said of one over the same of another, if it ran. */
  private static @Nullable Double ratio(
      List<List<Found>> runs, Who who, Who over, ToDoubleFunction<Found> value) {
    if (runs.getFirst().stream().noneMatch(found -> found.who().equals(over))) {
      return null;
    }
    return median(
        runs, run -> value.applyAsDouble(of(run, who)) / value.applyAsDouble(of(run, over)));
  }

  private static Found of(List<Found> run, Who who) {
    return run.stream().filter(found -> found.who().equals(who)).findFirst().orElseThrow();
  }

  private static double median(List<List<Found>> runs, ToDoubleFunction<List<Found>> value) {
    double[] values = runs.stream().mapToDouble(value).sorted().toArray();
    return values[values.length / 2];
  }
}
