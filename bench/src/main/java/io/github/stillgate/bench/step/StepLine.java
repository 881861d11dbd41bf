package io.github.stillgate.bench.step;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * One row of one width on one host: nanoseconds over all steps of all JVMs.
 *
 * @param host {@link Host}
 * @param cell kind of network
 * @param units its width
 * @param row id
 * @param steps that were timed
 * @param p50 median
 * @param p99 99th percentile
 * @param p999 99.9th percentile
 * @param lowest smallest median of a JVM
 * @param highest largest median of a JVM
 * @param allocated bytes on the heap a step
 * @param bytes weight bytes that a step read
 * @param moved share of the values that moved, measured, or null where all columns are multiplied
 * @param live share of the units that were live, measured, or null where all are
 * @param overPeer median over that of ONNX Runtime with float32 weights in the same JVM, the median
 *     of these over the JVMs; null where it did not run
 * @param overInt8Peer the same over ONNX Runtime's int8 LSTM
 */
record StepLine(
    Host host,
    Cell cell,
    int units,
    String row,
    long steps,
    @JsonProperty("p50_ns") double p50,
    @JsonProperty("p99_ns") double p99,
    @JsonProperty("p999_ns") double p999,
    @JsonProperty("lowest_p50_ns") double lowest,
    @JsonProperty("highest_p50_ns") double highest,
    @JsonProperty("allocated_bytes") double allocated,
    double bytes,
    @Nullable Double moved,
    @Nullable Double live,
    @JsonProperty("p50_over_onnxruntime") @Nullable Double overPeer,
    @JsonProperty("p50_over_onnxruntime_int8") @Nullable Double overInt8Peer) {
  private static final String INT8_PEER = "onnxruntime/i8";

  /** The lines of one cell, width and host; {@code forks} are what each JVM found. */
  static List<StepLine> of(Host host, Cell cell, int units, List<List<Found>> forks) {
    List<StepLine> lines = new ArrayList<>();
    for (Found first : forks.getFirst()) {
      lines.add(line(host, cell, units, first.id(), forks));
    }
    return lines;
  }

  private static StepLine line(
      Host host, Cell cell, int units, String id, List<List<Found>> forks) {
    List<Found> same = forks.stream().map(fork -> Found.of(fork, id)).toList();
    Histogram all = Found.together(same);
    double[] medians = Found.sorted(same, found -> found.nanos(50));
    return new StepLine(
        host,
        cell,
        units,
        id,
        all.getTotalCount(),
        all.getValueAtPercentile(50),
        all.getValueAtPercentile(99),
        all.getValueAtPercentile(99.9),
        medians[0],
        medians[medians.length - 1],
        Found.median(Found.sorted(same, Found::allocated)),
        Found.median(Found.sorted(same, fork -> fork.work().bytes())),
        known(Found.median(Found.sorted(same, fork -> fork.work().moved()))),
        known(Found.median(Found.sorted(same, fork -> fork.work().live()))),
        Found.ratio(forks, id, cell.peer(), 50),
        Found.ratio(forks, id, INT8_PEER, 50));
  }

  private static @Nullable Double known(double value) {
    return Double.isNaN(value) ? null : value;
  }

  /** Whether it is the same row of the same width on another host. */
  boolean isTwinOf(StepLine other) {
    return host != other.host
        && cell == other.cell
        && units == other.units
        && Objects.equals(row, other.row);
  }
}
