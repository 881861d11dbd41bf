package io.github.stillgate.bench.strategy;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.Machine;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.kernel.ffm.BlasIdentity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.Locale;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What {@code --check} holds a run against.
 *
 * @param leastShares least share of what one core can do, by task/strategy/tier, where a kind of
 *     machine is not recorded
 * @param machines by {@link #kind}
 */
record Ratios(
    @JsonProperty("least_share_of_bound") TreeMap<String, Double> leastShares,
    TreeMap<String, OnMachine> machines) {
  private static final double MOST_NOISE = 0.2;

  /** Nobody is quieter: hours and hosts differ by as much. */
  private static final double LEAST_NOISE = 0.1;

  private static final JsonMapper JSON = JsonMapper.builder().build();

  /**
   * What was recorded on one kind of machine, by task/strategy/fraction.
   *
   * @param machine CPU, cores, JDK
   * @param date day of the run
   * @param command what records it again
   * @param jvms JVMs of each task
   * @param ratios time over that of the dense product in the same JVM, median over JVMs
   * @param noise how far the worst JVM was from 1 when the kernel ran against itself, at least 0.1
   */
  record OnMachine(
      String machine,
      String date,
      String command,
      int jvms,
      @JsonProperty("time_over_dense") TreeMap<String, Double> ratios,
      @JsonProperty("noise") TreeMap<String, Double> noise) {
    /**
     * The record of JVMs that ran with twins, without kernels whose noise would hide one that takes
     * half again as long.
     */
    static OnMachine of(Forks forks, String library) {
      TreeMap<String, Double> ratios = new TreeMap<>();
      TreeMap<String, Double> noise = new TreeMap<>();
      for (Timed time : forks.times()) {
        if (Kernels.isOurs(time.strategy())) {
          String key = key(time.task(), time.strategy());
          double again = forks.noise(time.task(), time.strategy());
          if (again > MOST_NOISE) {
            continue;
          }
          ratios.put(key, rounded(forks.ratio(time.task(), time.strategy(), "dense-" + library)));
          noise.put(key, rounded(Math.max(again, LEAST_NOISE)));
        }
      }
      return new OnMachine(
          Machine.description(),
          LocalDate.now().toString(),
          "./stillgate bench kernels --quick --record bench/ratios.json",
          forks.count("rows"),
          ratios,
          noise);
    }
  }

  /** The file's content, or nothing if there is no such file yet. */
  static Ratios read(Path file) throws IOException {
    return Files.exists(file)
        ? JSON.readValue(file.toFile(), Ratios.class)
        : new Ratios(new TreeMap<>(), new TreeMap<>());
  }

  void write(Path file) throws IOException {
    Files.writeString(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(this) + "\n");
  }

  /** These, with one kind of machine added or replaced. */
  Ratios with(String kind, OnMachine machine) {
    TreeMap<String, OnMachine> all = new TreeMap<>(machines);
    all.put(kind, machine);
    return new Ratios(leastShares, all);
  }

  /**
   * Everything a ratio depends on: CPU, our backends' tiers, and the baseline with the kernels it
   * chose.
   */
  static String kind(BlasIdentity baseline) {
    String tiers =
        BackendRegistry.usable().stream()
            .filter(backend -> !backend.name().equals("reference"))
            .map(backend -> backend.name() + " " + tier(backend.name()))
            .sorted()
            .collect(Collectors.joining(", "));
    return "%s, %s, %s%s"
        .formatted(
            Machine.cpuKind(),
            tiers,
            baseline.name(),
            baseline.core() == null ? "" : " for " + baseline.core());
  }

  /** The tier of one of our backends. */
  static String tier(String backend) {
    return BackendRegistry.require(backend).availability().usableTier().orElseThrow();
  }

  static String key(String task, String strategy) {
    return String.format(Locale.ROOT, "%s/%s/%s", task, strategy, Forks.fraction(task));
  }

  private static double rounded(double value) {
    return Math.round(1000 * value) / 1000.0;
  }
}
