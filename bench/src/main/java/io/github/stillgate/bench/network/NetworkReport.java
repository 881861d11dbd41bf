package io.github.stillgate.bench.network;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.cli.plot.Plot;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@link NetworkBench} measured.
 *
 * @param machine CPU, cores, JDK
 * @param date day of the run
 * @param command what makes it again
 * @param forks JVMs of each network
 * @param seconds timed of each row in each JVM
 * @param least what a step of each network has to do at least
 * @param lines the rows
 * @param layers where the time of a step goes, by network; empty unless asked for
 * @param absent reasons, of networks and rows that could not run
 */
record NetworkReport(
    String machine,
    String date,
    String command,
    int forks,
    double seconds,
    Map<String, LeastWork> least,
    List<NetworkLine> lines,
    Map<String, List<LayerTimes>> layers,
    @JsonProperty("not_here") Map<String, String> absent) {
  private static final List<String> COLUMNS =
      List.of("", "p50 us", "of each JVM", "p99 us", "p50 / ORT", "p99 / ORT", "B allocated");

  void json(Path file) throws IOException {
    JsonMapper.builder().build().writerWithDefaultPrettyPrinter().writeValue(file.toFile(), this);
  }

  String markdown() {
    StringBuilder text = new StringBuilder();
    text.append("# One step of whole networks\n\n");
    text.append("%s, %s. Made by `%s`.\n\n".formatted(machine, date, command));
    text.append(
        String.format(
            Locale.ROOT,
            "%d JVMs for each network; in each all rows in turns, %s s a row, one thread. Percentiles are over all steps of all JVMs, ratios medians over JVMs of ratios within one.%n",
            forks,
            seconds));
    least.forEach((network, step) -> {
      text.append(
          String.format(
              Locale.ROOT,
              "%n## %s%n%nA step reads %,d bytes of weights and makes %,d multiply-adds.%n%n",
              network,
              step.bytes(),
              step.multiplyAdds()));
      times(text, lines.stream().filter(line -> line.network().equals(network)).toList());
      layers(text, layers.getOrDefault(network, List.of()));
    });
    if (!absent.isEmpty()) {
      text.append("\n## Not here\n\n");
      absent.forEach((row, reason) -> text.append("* %s: %s\n".formatted(row, reason)));
    }
    return text.toString();
  }

  private static void times(StringBuilder text, List<NetworkLine> lines) {
    text.append("| %s |\n|---|%s\n".formatted(String.join(" | ", COLUMNS), "--:|".repeat(6)));
    for (NetworkLine line : lines) {
      List<String> cells =
          List.of(
              line.row(),
              micros(line.p50()),
              micros(line.lowest()) + " .. " + micros(line.highest()),
              micros(line.p99()),
              number(line.p50OverPeer()),
              number(line.p99OverPeer()),
              String.format(Locale.ROOT, "%,.0f", line.allocated()));
      text.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }
  }

  /** One column for each backend, whose layers are the same. */
  private static void layers(StringBuilder text, List<LayerTimes> times) {
    if (times.isEmpty()) {
      return;
    }
    text.append("\n| layer | kind |");
    times.forEach(one -> text.append(" %s us |".formatted(one.backend())));
    text.append("\n|---|---|").append("--:|".repeat(times.size())).append('\n');
    for (int layer = 0; layer < times.getFirst().layers().size(); layer++) {
      LayerTimes.Share first = times.getFirst().layers().get(layer);
      text.append("| %s | %s |".formatted(first.name(), first.kind()));
      for (LayerTimes one : times) {
        text.append(" %s |".formatted(micros(one.layers().get(layer).nanos())));
      }
      text.append('\n');
    }
    text.append("| all layers | |");
    for (LayerTimes one : times) {
      double all = one.layers().stream().mapToDouble(LayerTimes.Share::nanos).sum();
      text.append(" %s |".formatted(micros(all)));
    }
    text.append('\n');
  }

  private static String micros(double nanos) {
    return String.format(Locale.ROOT, "%.2f", nanos / 1e3);
  }

  private static String number(@Nullable Double value) {
    return value == null ? "" : String.format(Locale.ROOT, "%.2f", value);
  }

  /** Medians over ONNX Runtime's, the networks side by side. */
  void plot(Path svg) throws IOException {
    List<String> networks = List.copyOf(least.keySet());
    Plot plot = new Plot("One step of whole networks", "network", "p50 over ONNX Runtime's");
    for (String row : lines.stream().map(NetworkLine::row).distinct().toList()) {
      List<Double> at = new ArrayList<>();
      List<Double> ratios = new ArrayList<>();
      for (NetworkLine line : lines) {
        Double ratio = line.p50OverPeer();
        if (line.row().equals(row) && ratio != null) {
          at.add(1.0 + networks.indexOf(line.network()));
          ratios.add(ratio);
        }
      }
      if (!at.isEmpty()) {
        plot.points(row, at, ratios);
      }
    }
    for (int i = 0; i < networks.size(); i++) {
      plot.label(networks.get(i), 1.0 + i, 0);
    }
    plot.save(svg);
  }
}
