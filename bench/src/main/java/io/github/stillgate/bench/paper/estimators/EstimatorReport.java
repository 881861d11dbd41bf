package io.github.stillgate.bench.paper.estimators;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.Machine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/** Writes {@code estimators.md} and {@code estimators.json}. */
final class EstimatorReport {
  private final Path folder;
  private final String command;

  /**
   * @param folder where the files go
   * @param command what makes them again
   */
  EstimatorReport(Path folder, String command) {
    this.folder = folder;
    this.command = command;
  }

  /** Writes both files. */
  void write(
      EstimatedRuns runs,
      List<Row> rows,
      List<Speed> speeds,
      List<Goal> goals,
      List<String> figures,
      String timing)
      throws IOException {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("machine", Machine.description());
    json.put("date", LocalDate.now().toString());
    json.put("command", command);
    json.put("trained_on", runs.pictures());
    json.put("training_machines", runs.machines());
    json.put("training", runs.settings());
    json.put("rows", rows);
    json.put("speeds", speeds);
    json.put("goals", goals);
    JsonMapper.builder()
        .build()
        .writerWithDefaultPrettyPrinter()
        .writeValue(folder.resolve("estimators.json").toFile(), json);
    List<String> text = new ArrayList<>();
    text.add("# Table 3.3 again: estimated ReLU layers");
    text.add("");
    text.add("%s, %s. Made by `%s`.".formatted(Machine.description(), LocalDate.now(), command));
    text.add("");
    text.add(training(runs));
    errors(text, rows);
    layers(text, rows);
    speeds(text, speeds, timing);
    text.add(zeroInputs(runs, rows));
    text.add("");
    text.add("## Figures");
    text.add("");
    figures.forEach(line -> text.add("* " + line));
    text.add("");
    text.add("## Goals");
    text.add("");
    goals.forEach(
        goal -> text.add("* %s: %s".formatted(goal.met() ? "met" : "missed", goal.text())));
    Files.write(folder.resolve("estimators.md"), text);
  }

  private static String training(EstimatedRuns runs) {
    JsonNode settings = runs.settings();
    List<String> sizes = new ArrayList<>();
    settings.path("sizes").forEach(size -> sizes.add(size.asText()));
    return String.format(
        Locale.ROOT,
        "%s, %s: %d epochs of minibatches of %d%s, Adam, schedule `%s` from %s, dropout %s and %s%s, factors"
            + " refreshed at the beginning of each epoch; trained on %s.%s",
        runs.pictures(),
        String.join("-", sizes),
        settings.path("epochs").asInt(),
        settings.path("batch").asInt(),
        settings.path("train_pictures").isNull()
            ? ""
            : " of %d pictures alone".formatted(settings.path("train_pictures").asInt()),
        settings.path("schedule").asText(),
        settings.path("rate").asText(),
        settings.path("dropout").path(0).asText(),
        settings.path("dropout").path(1).asText(),
        settings.path("dropout_at_end").asDouble(1) == 0
            ? ", both falling to 0 by the last epoch"
            : "",
        String.join("; ", runs.machines()),
        runs.unfinished().isEmpty()
            ? ""
            : " Left out, since unfinished: " + String.join(", ", runs.unfinished()) + ".");
  }

  private static void errors(List<String> text, List<Row> rows) {
    double control =
        rows.stream()
            .filter(Row::isControl)
            .mapToDouble(row -> row.mean(Score::error))
            .findFirst()
            .orElse(Double.NaN);
    text.add("");
    text.add("Test error in percent, by the library:");
    text.add("");
    text.add(
        "| network | the paper, 10 runs | here | seeds | over the control | the trainer's class (least) |");
    text.add("|---|--:|--:|--:|--:|--:|");
    for (Row row : rows) {
      double deviation = row.deviation(Score::error);
      text.add(
          String.format(
              Locale.ROOT,
              "| %s | %s | **%.3f**%s | %d | %+.3f | %.3f %% |",
              row.configuration(),
              row.paper(),
              row.mean(Score::error),
              Double.isNaN(deviation) ? "" : String.format(Locale.ROOT, " +- %.3f", deviation),
              row.scores().size(),
              row.mean(Score::error) - control,
              100 * row.least(Score::same)));
    }
  }

  private static void layers(List<String> text, List<Row> rows) {
    text.add("");
    text.add(
        "Layer by layer on the test part, in percent of its units: live (alpha) by the library; right"
            + " decisions, units above 0, and of all units those above 0 that are left out, by the trainer:");
    text.add("");
    text.add("| network | layer | rank | live | right decisions | above 0 | left out |");
    text.add("|---|--:|--:|--:|--:|--:|--:|");
    for (Row row : rows) {
      double[] live = row.layers(Score::live);
      for (int l = 0; l < live.length; l++) {
        text.add(
            "| %s | %d | %s | %s | %s | %s | %s |"
                .formatted(
                    row.configuration(),
                    l + 1,
                    row.isControl() ? "-" : row.rank(l),
                    percent(row, Score::live, l),
                    row.isControl() ? "-" : percent(row, Score::agreement, l),
                    percent(row, Score::positive, l),
                    row.isControl() ? "-" : percent(row, Score::missed, l)));
      }
    }
  }

  private static String percent(Row row, Function<Score, double[]> shares, int layer) {
    return String.format(Locale.ROOT, "%.1f", 100 * row.layers(shares)[layer]);
  }

  private static void speeds(List<String> text, List<Speed> speeds, String timing) {
    text.add("");
    text.add("## Speed");
    text.add("");
    text.add(timing);
    text.add("");
    text.add(
        "| network | backend | dense, p50 (p99) | estimated, p50 (p99) | all computed, then masked | factor"
            + " over dense | bound | of bound | int8, dense | int8, estimated |");
    text.add("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for (Speed speed : speeds) {
      text.add(
          String.format(
              Locale.ROOT,
              "| %s | %s | %.1f (%.1f) us | %.1f (%.1f) us | %.1f us | **%.2fx** (%.2f-%.2f) | %.2fx | %.0f %% | %.1f us | %.1f us |",
              speed.configuration(),
              speed.backend(),
              speed.dense() / 1e3,
              speed.denseTail() / 1e3,
              speed.estimated() / 1e3,
              speed.tail() / 1e3,
              speed.masked() / 1e3,
              speed.factor(),
              speed.least(),
              speed.greatest(),
              speed.bound(),
              100 * speed.share(),
              speed.denseI8() / 1e3,
              speed.estimatedI8() / 1e3));
    }
    text.add("");
  }

  /** The baseline of inputs that are 0. Its bound follows from the control's live units. */
  private static String zeroInputs(EstimatedRuns runs, List<Row> rows) {
    double bound =
        rows.stream()
            .filter(Row::isControl)
            .mapToDouble(row -> {
              double[] above = row.layers(Score::positive);
              JsonNode sizes = runs.settings().path("sizes");
              double all = 0;
              double read = 0;
              for (int l = 0; l <= above.length; l++) {
                double weights = sizes.path(l).asDouble() * sizes.path(l + 1).asDouble();
                all += weights;
                read += l == 0 ? weights : above[l - 1] * weights;
              }
              return all / read;
            })
            .findFirst()
            .orElse(Double.NaN);
    return String.format(
        Locale.ROOT,
        "A baseline that the dissertation lacks: an input that a relu made 0 adds nothing, so that its column need"
            + " not be read, with no estimate and no error. In weights that is at most %.2fx over dense on the control,"
            + " with every pixel read. Int8 plans do it, for pixels too: column `int8, dense`.",
        bound);
  }
}
