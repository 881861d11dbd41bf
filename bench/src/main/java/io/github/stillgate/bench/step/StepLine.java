package io.github.stillgate.bench.step;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
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
  static List<StepLine> of(Host host, Cell cell, int units, List<List<StepFork.Found>> forks) {
    List<StepLine> lines = new ArrayList<>();
    for (StepFork.Found first : forks.getFirst()) {
      lines.add(line(host, cell, units, first.id(), forks));
    }
    return lines;
  }

  private static StepLine line(
      Host host, Cell cell, int units, String id, List<List<StepFork.Found>> forks) {
    List<StepFork.Found> same = forks.stream().map(fork -> of(fork, id)).toList();
    Histogram all = same.getFirst().histogram();
    same.subList(1, same.size()).forEach(fork -> all.add(fork.histogram()));
    double[] medians = sorted(same, fork -> p50(fork));
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
        median(sorted(same, StepFork.Found::allocated)),
        median(sorted(same, fork -> fork.work().bytes())),
        known(median(sorted(same, fork -> fork.work().moved()))),
        known(median(sorted(same, fork -> fork.work().live()))),
        ratio(forks, id, cell.peer()),
        ratio(forks, id, INT8_PEER));
  }

  private static @Nullable Double ratio(List<List<StepFork.Found>> forks, String id, String peer) {
    if (forks.getFirst().stream().noneMatch(found -> found.id().equals(peer))) {
      return null;
    }
    return median(sorted(forks, fork -> p50(of(fork, id)) / p50(of(fork, peer))));
  }

  private static StepFork.Found of(List<StepFork.Found> fork, String id) {
    return fork.stream()
        .filter(found -> found.id().equals(id))
        .findFirst()
        .orElseThrow(() ->
            new IllegalStateException("row %s ran in one JVM and not in another".formatted(id)));
  }

  private static double p50(StepFork.Found found) {
    return found.histogram().getValueAtPercentile(50);
  }

  private static <T> double[] sorted(List<T> values, ToDoubleFunction<T> value) {
    double[] sorted = values.stream().mapToDouble(value).toArray();
    Arrays.sort(sorted);
    return sorted;
  }

  private static double median(double[] sorted) {
    return (sorted[sorted.length / 2] + sorted[(sorted.length - 1) / 2]) / 2;
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
