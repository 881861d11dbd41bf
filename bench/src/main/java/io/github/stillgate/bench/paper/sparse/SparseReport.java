package io.github.stillgate.bench.paper.sparse;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.stillgate.tuning.LayerStructure;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The tables of trained networks as Markdown. */
final class SparseReport {
  /** Settings that a budget hangs on, in the order of the table. */
  private static final List<String> SIZES =
      List.of("words", "embedding", "hidden", "steps", "batch", "rate", "limit", "part");

  private SparseReport() {}

  /** Everything about the runs, under a second heading each. */
  static String markdown(
      List<SparseRun> runs,
      List<SparseNetworks.Row> rows,
      List<SparseNetworks.Crossing> crossings,
      List<String> figures) {
    StringBuilder text = new StringBuilder();
    text.append("## Trained networks\n\n");
    table(text, rows);
    text.append(
        "\nNeurons and gates by layer, of the network without what nothing reads (`convert"
            + " --prune`); compression is all weights over those that are not 0. The library scores"
            + " each network on the run's own tests, and must find what the trainer found there."
            + " In brackets: Tables 1 and 2 of the paper, on its data and at its sizes; words and"
            + " characters there are of the Penn Treebank, which is licensed and not at hand, so"
            + " that only relations may be compared; \"lost\" is what our copy of the paper does not show."
            + " AG News is a part of its training set here.\n");
    kinds(text, rows);
    overlaps(text, rows);
    text.append("\n## Do gates of their own make fewer gates?\n\n");
    crossings.forEach(crossing -> text.append("* ").append(words(crossing)).append('\n'));
    if (crossings.isEmpty()) {
      text.append("No task has an epoch of both Bayesian runs, W+N and W+G+N.\n");
    }
    text.append(
        "\nIn the logs of the paper's authors the two cross on IMDb near epoch 180 of 800; before,"
            + " W+G+N has more gates.\n");
    budgets(text, runs);
    text.append("\n## Figures\n\n");
    figures.forEach(line -> text.append("* ").append(line).append('\n'));
    return text.toString();
  }

  private static void table(StringBuilder text, List<SparseNetworks.Row> rows) {
    text.append(
        "| task | method | test | (paper) | compression | (paper) | neurons | (paper) | gates |"
            + " (paper) | library / trainer on its tests |\n"
            + "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for (SparseNetworks.Row row : rows) {
      Published.Row paper = Published.of(row.run());
      JsonNode test = row.run().record().path("result").path("test").path(row.run().quality());
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %.3f %s | %s | %s | %s | %s | %s | %s | %s | %.4f / %.4f%s |%n",
              row.run().task(),
              row.run().method(),
              test.asDouble(),
              row.run().quality().equals("accuracy") ? "%" : row.run().quality(),
              paper.quality(),
              row.isEmpty() ? "no weight left" : "%.1f".formatted(row.compression()),
              paper.compression(),
              dashed(row.neurons()),
              paper.neurons(),
              dashed(row.gates()),
              paper.gates(),
              row.scored(),
              row.trainer(),
              row.agrees() ? "" : " **differs**"));
    }
  }

  private static String dashed(List<Integer> values) {
    return values.stream().map(String::valueOf).collect(Collectors.joining("-"));
  }

  private static void kinds(StringBuilder text, List<SparseNetworks.Row> rows) {
    text.append(
        "\n| task | method | layer | i | f | g | o | only o | all four |\n"
            + "|---|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for (SparseNetworks.Row row : rows) {
      for (int layer = 0; layer < row.structures().size(); layer++) {
        LayerStructure structure = row.structures().get(layer);
        text.append(
            "| %s | %s | %d | %s | %s | %s | %s | %d | %d |%n"
                .formatted(
                    row.run().task(),
                    row.run().method(),
                    layer + 1,
                    structure.movingGates("i"),
                    structure.movingGates("f"),
                    structure.movingGates("g"),
                    structure.movingGates("o"),
                    structure.patterns().getOrDefault("---o", 0),
                    structure.patterns().getOrDefault("ifgo", 0)));
      }
    }
  }

  /** Appendix D: is the structure the task's own, whatever the method? */
  private static void overlaps(StringBuilder text, List<SparseNetworks.Row> rows) {
    List<String> lines = new ArrayList<>();
    for (int a = 0; a < rows.size(); a++) {
      for (int b = a + 1; b < rows.size(); b++) {
        SparseNetworks.Row one = rows.get(a);
        SparseNetworks.Row other = rows.get(b);
        if (one.run().task().equals(other.run().task()) && !one.run().method().equals("original")) {
          for (int layer = 0; layer < one.structures().size(); layer++) {
            lines.add(
                String.format(
                    Locale.ROOT,
                    "| %s | %d | %s, %s | %.2f |",
                    one.run().task(),
                    layer + 1,
                    one.run().method(),
                    other.run().method(),
                    SparseNetworks.overlap(
                        one.structures().get(layer), other.structures().get(layer))));
          }
        }
      }
    }
    if (!lines.isEmpty()) {
      text.append(
          "\nOverlap of the gate patterns that two methods leave (1: the same mixture, 0: none in"
              + " common):\n\n| task | layer | methods | overlap |\n|---|--:|---|--:|\n");
      lines.forEach(line -> text.append(line).append('\n'));
    }
  }

  /** A crossing in words. */
  static String words(SparseNetworks.Crossing crossing) {
    String end =
        String.format(
            Locale.ROOT,
            "%d epochs, %.0f gates with W+N and %.0f with W+G+N at the last",
            crossing.epochs(),
            crossing.without(),
            crossing.with());
    return crossing.fewer() == 0
        ? "%s: W+G+N never has fewer gates at equal quality (%s)".formatted(crossing.task(), end)
        : "%s: W+G+N has fewer gates at equal quality in %d epochs, the first of them %d (%s)"
            .formatted(crossing.task(), crossing.times(), crossing.fewer(), end);
  }

  private static void budgets(StringBuilder text, List<SparseRun> runs) {
    text.append(
        "\n## Budgets\n\n| run | epochs | hours | seed | sizes | machine |\n|---|--:|--:|--:|---|---|\n");
    for (SparseRun run : runs) {
      JsonNode settings = run.record().path("settings");
      List<String> sizes = new ArrayList<>();
      for (Iterator<Map.Entry<String, JsonNode>> each = settings.fields(); each.hasNext(); ) {
        Map.Entry<String, JsonNode> one = each.next();
        boolean shown =
            SIZES.contains(one.getKey())
                || one.getKey().startsWith("lambda")
                || one.getKey().equals("kl_weight");
        if (shown && !one.getValue().asText("x").equals("0")) {
          sizes.add(one.getKey() + " " + one.getValue());
        }
      }
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %d%s | %.1f | %s | %s | %s |%n",
              run.folder(),
              run.record().path("curve").size(),
              run.isFinished() ? "" : ", not finished",
              run.record().path("seconds").asDouble() / 3600,
              settings.path("seed"),
              String.join(", ", sizes),
              run.record().path("machine").asText()));
    }
  }
}
