package io.github.stillgate.bench.network;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.bench.step.Found;
import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * One row of one network: nanoseconds over all steps of all JVMs.
 *
 * @param network its name
 * @param row id
 * @param steps that were timed
 * @param p50 median
 * @param p99 99th percentile
 * @param lowest smallest median of a JVM
 * @param highest largest median of a JVM
 * @param p50OverPeer median over ONNX Runtime's in the same JVM, the median of these over the JVMs;
 *     null where it did not run
 * @param p99OverPeer the same of 99th percentiles
 * @param allocated bytes on the heap a step
 */
record NetworkLine(
    String network,
    String row,
    long steps,
    @JsonProperty("p50_ns") double p50,
    @JsonProperty("p99_ns") double p99,
    @JsonProperty("lowest_p50_ns") double lowest,
    @JsonProperty("highest_p50_ns") double highest,
    @JsonProperty("p50_over_onnxruntime") @Nullable Double p50OverPeer,
    @JsonProperty("p99_over_onnxruntime") @Nullable Double p99OverPeer,
    @JsonProperty("allocated_bytes") double allocated) {
  /** The lines of one network; {@code forks} are what each JVM found. */
  static List<NetworkLine> of(String network, List<List<Found>> forks) {
    List<NetworkLine> lines = new ArrayList<>();
    for (Found first : forks.getFirst()) {
      List<Found> same = forks.stream().map(fork -> Found.of(fork, first.id())).toList();
      Histogram all = Found.together(same);
      double[] medians = Found.sorted(same, found -> found.nanos(50));
      lines.add(
          new NetworkLine(
              network,
              first.id(),
              all.getTotalCount(),
              all.getValueAtPercentile(50),
              all.getValueAtPercentile(99),
              medians[0],
              medians[medians.length - 1],
              Found.ratio(forks, first.id(), NetworkRows.PEER, 50),
              Found.ratio(forks, first.id(), NetworkRows.PEER, 99),
              Found.median(Found.sorted(same, Found::allocated))));
    }
    return lines;
  }
}
