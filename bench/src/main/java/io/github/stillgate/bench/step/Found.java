package io.github.stillgate.bench.step;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.zip.DataFormatException;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * What one JVM found of one row, and what several found together.
 *
 * @param id the row
 * @param times compressed histogram of nanoseconds a step, in Base64
 * @param allocated bytes a step allocated on the heap
 * @param work what the steps read and left out
 */
public record Found(
    String id,
    String times,
    @JsonProperty("allocated_bytes") double allocated,
    Contender.Work work) {
  /** With its times. */
  public static Found of(String id, Histogram times, double allocated, Contender.Work work) {
    ByteBuffer bytes = ByteBuffer.allocate(times.getNeededByteBufferCapacity());
    int length = times.encodeIntoCompressedByteBuffer(bytes);
    return new Found(
        id,
        Base64.getEncoder().encodeToString(Arrays.copyOf(bytes.array(), length)),
        allocated,
        work);
  }

  Histogram histogram() {
    try {
      return Histogram.decodeFromCompressedByteBuffer(
          ByteBuffer.wrap(Base64.getDecoder().decode(times)), 0);
    } catch (DataFormatException damaged) {
      throw new IllegalStateException("row %s: its times are damaged".formatted(id), damaged);
    }
  }

  /** A percentile of the times. */
  public double nanos(double percentile) {
    return histogram().getValueAtPercentile(percentile);
  }

  /** All steps of all JVMs. */
  public static Histogram together(List<Found> same) {
    Histogram all = same.getFirst().histogram();
    same.subList(1, same.size()).forEach(found -> all.add(found.histogram()));
    return all;
  }

  /** A row of one JVM. */
  public static Found of(List<Found> fork, String id) {
    return fork.stream()
        .filter(found -> found.id.equals(id))
        .findFirst()
        .orElseThrow(() ->
            new IllegalStateException("row %s ran in one JVM and not in another".formatted(id)));
  }

  /**
   * A percentile of a row over that of a peer in the same JVM, the median of these over the JVMs;
   * null where the peer did not run.
   */
  public static @Nullable Double ratio(
      List<List<Found>> forks, String id, String peer, double percentile) {
    if (forks.getFirst().stream().noneMatch(found -> found.id.equals(peer))) {
      return null;
    }
    return median(
        sorted(forks, fork -> of(fork, id).nanos(percentile) / of(fork, peer).nanos(percentile)));
  }

  /** A number of each, ascending. */
  public static <T> double[] sorted(List<T> values, ToDoubleFunction<T> value) {
    double[] sorted = values.stream().mapToDouble(value).toArray();
    Arrays.sort(sorted);
    return sorted;
  }

  /** The middle one, or between the two in the middle. */
  public static double median(double[] sorted) {
    return (sorted[sorted.length / 2] + sorted[(sorted.length - 1) / 2]) / 2;
  }
}
