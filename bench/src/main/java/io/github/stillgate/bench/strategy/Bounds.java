package io.github.stillgate.bench.strategy;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Locale;
import java.util.Optional;

/**
 * What one core can do, measured in the same run as what is held against it.
 *
 * @param bytesPerNano reading 8 MiB, as much as the matrices of the strategies hold
 * @param multiplyAddsPerNano out of registers
 */
record Bounds(
    @JsonProperty("read_gb_per_s") double bytesPerNano,
    @JsonProperty("multiply_adds_per_ns") double multiplyAddsPerNano) {
  /** KiB of two matrices of 1024 rows of 1024. */
  static final int KIB = 8192;

  private static final int UNITS = 1024;
  private static final int STREAMS = 64;

  /**
   * The least nanoseconds of a task at a live fraction.
   *
   * @param task {@code rows}, bound by bytes, {@code blocks}, bound by multiply-adds, or a layer,
   *     bound by its bytes
   * @param live live fraction of rows or blocks
   */
  double least(String task, double live) {
    Optional<LayerTask> layer = LayerTask.find(task);
    if (layer.isPresent()) {
      return layer.get().bytes() / bytesPerNano;
    }
    double weights = 2.0 * UNITS * UNITS * live;
    return task.equals("rows")
        ? 4 * weights / bytesPerNano
        : STREAMS * weights / multiplyAddsPerNano;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "one core reads %.1f GB/s over 8 MiB and does %.1f billion multiply-adds a second",
        bytesPerNano,
        multiplyAddsPerNano);
  }
}
