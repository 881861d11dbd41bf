package io.github.stillgate.bench.paper.sparse;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.stillgate.cli.plot.GatePlot;
import io.github.stillgate.cli.plot.Plot;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The paper's figures of what was trained: gate structure (1, 4 and 5), gradients by lag (3), and
 * curves over epochs, which the paper has in its authors' logs. Returns lines of Markdown that name
 * what was drawn.
 */
final class SparseFigures {
  private final Path folder;
  private final List<String> lines = new ArrayList<>();

  /**
   * @param folder where the SVG files go
   */
  SparseFigures(Path folder) {
    this.folder = folder;
  }

  /** Draws everything that the runs and rows hold. */
  List<String> draw(List<SparseRun> runs, List<SparseNetworks.Row> rows) throws IOException {
    for (String task : SparseRun.TASKS) {
      List<SparseRun> ofTask = runs.stream().filter(run -> run.task().equals(task)).toList();
      if (!ofTask.isEmpty()) {
        curves(task, ofTask);
      }
    }
    for (SparseNetworks.Row row : rows) {
      structure(row);
      gradients(row);
    }
    return lines;
  }

  private void curves(String task, List<SparseRun> runs) throws IOException {
    String gates = "sparse-%s-gates.svg".formatted(task);
    String quality = "sparse-%s-quality.svg".formatted(task);
    Plot left = new Plot(task + ": gates that are not constant", "epoch", "gates").logarithmicY();
    Plot good = new Plot(task + ": quality on validation", "epoch", runs.getFirst().quality());
    boolean drawn = false;
    for (SparseRun run : runs) {
      List<Double> epochs =
          IntStream.rangeClosed(1, run.gates().size()).mapToObj(e -> (double) e).toList();
      if (!epochs.isEmpty()) {
        String name = run.method() + (run.isFinished() ? "" : " (not finished)");
        left.line(name, epochs, run.gates().stream().map(g -> Math.max(g, 1)).toList());
        good.line(name, epochs, run.qualities());
        drawn = true;
      }
    }
    if (drawn) {
      left.save(folder.resolve(gates));
      good.save(folder.resolve(quality));
      lines.add(
          "%s over epochs: [gates that are not constant](%s), [quality on validation](%s)."
              .formatted(task, gates, quality));
    }
  }

  private void structure(SparseNetworks.Row row) throws IOException {
    String file = "sparse-%s-%s-structure.svg".formatted(row.run().task(), row.run().method());
    new GatePlot(row.run().task() + ", " + row.run().method(), row.structures())
        .save(folder.resolve(file));
    lines.add(
        "[Gate structure of %s, %s](%s).".formatted(row.run().task(), row.run().method(), file));
  }

  /** Figure 3; only where a network has units of one of the two kinds. */
  private void gradients(SparseNetworks.Row row) throws IOException {
    JsonNode layers = row.run().record().path("result").path("gradients").path("means");
    Plot plot =
        new Plot(
                "%s, %s: gradient of a unit with respect to its layer's input"
                    .formatted(row.run().task(), row.run().method()),
                "steps ago",
                "mean norm")
            .logarithmicY();
    boolean drawn = false;
    for (int layer = 0; layer < layers.size(); layer++) {
      drawn |= line(plot, layers.get(layer), layer, "only_o", "only o moves");
      drawn |= line(plot, layers.get(layer), layer, "all_gates", "all gates move");
    }
    if (drawn) {
      String file = "sparse-%s-%s-lags.svg".formatted(row.run().task(), row.run().method());
      plot.save(folder.resolve(file));
      lines.add(
          "[Gradients by lag of %s, %s](%s)."
              .formatted(row.run().task(), row.run().method(), file));
    }
  }

  private static boolean line(Plot plot, JsonNode layer, int number, String key, String name) {
    List<Double> x = new ArrayList<>();
    List<Double> y = new ArrayList<>();
    for (JsonNode norm : layer.path(key)) {
      // A logarithmic axis has no 0: what has died out ends the line.
      if (!(norm.asDouble() > 0)) {
        break;
      }
      x.add((double) x.size());
      y.add(norm.asDouble());
    }
    if (x.size() < 2) {
      return false;
    }
    plot.line(
        "layer %d, %s (%d units)".formatted(number + 1, name, layer.path(key + "_units").asInt()),
        x,
        y);
    return true;
  }
}
