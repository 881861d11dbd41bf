package io.github.stillgate.bench.paper.digits;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What one stream costs in a day.
 *
 * @param network LAYERSxUNITS
 * @param variant format of the weights
 * @param runsIn the fastest backend, or ONNX Runtime
 * @param share of the day that is speech
 * @param seconds of one core
 * @param gigabytes of weights that are read; null of ONNX Runtime
 * @param factor ONNX Runtime's seconds over these; null without it
 */
record Day(
    String network,
    String variant,
    @JsonProperty("runs_in") String runsIn,
    @JsonProperty("speech_share") double share,
    @JsonProperty("core_seconds") double seconds,
    @JsonProperty("weight_gigabytes") @Nullable Double gigabytes,
    @JsonProperty("factor_over_onnxruntime") @Nullable Double factor) {
  /** Shares of speech: a quiet room, an ordinary day, a meeting. */
  static final List<Double> SHARES = List.of(0.05, 0.2, 0.6);

  /** The share that the plot is drawn for. */
  static final double ORDINARY = 0.2;

  /** Frames of 10 ms. */
  static final double FRAMES = 8_640_000;

  /** A line for each network, variant and share, on the fastest backend. */
  static List<Day> of(List<Row> rows, List<Speed> speeds) {
    List<Day> days = new ArrayList<>();
    for (Row row : rows) {
      Optional<Speed> speed = fastest(row, speeds);
      if (speed.isPresent()) {
        for (double share : SHARES) {
          days.add(of(row, speed.get(), share, peer(row, speeds)));
        }
      }
    }
    return days;
  }

  private static Day of(Row row, Speed speed, double share, Optional<Speed> peer) {
    double bytes = row.bytesAFrame(share);
    return new Day(
        row.network(),
        row.variant(),
        speed.runsIn(),
        share,
        FRAMES * speed.microseconds(share) / 1e6,
        Double.isNaN(bytes) ? null : FRAMES * bytes / 1e9,
        peer.map(other -> other.microseconds(share) / speed.microseconds(share)).orElse(null));
  }

  /** Among the times of the row's network and variant, the best at {@link #ORDINARY}. */
  static Optional<Speed> fastest(Row row, List<Speed> speeds) {
    return speeds.stream()
        .filter(speed -> speed.network().equals(row.network()))
        .filter(speed -> speed.variant().equals(row.variant()))
        .filter(speed -> speed.isPeer() == row.peer())
        .min(Comparator.comparingDouble(speed -> speed.microseconds(ORDINARY)));
  }

  private static Optional<Speed> peer(Row row, List<Speed> speeds) {
    return speeds.stream()
        .filter(speed -> speed.network().equals(row.network()) && speed.isPeer())
        .findFirst();
  }
}
