package io.github.stillgate.bench.paper.sparse;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.stillgate.bench.paper.RunFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A folder that {@code training/pytorch/train_sparse.py} left: its record, and when the training
 * has ended the network and its tests.
 *
 * @param folder name of the folder
 * @param task {@code imdb}, {@code ag_news}, {@code text8} or {@code words}
 * @param method {@code original}, {@code prun-wn}, ...
 * @param record what the trainer wrote
 * @param model the exported network
 * @param tests tokens and targets to score it on
 */
record SparseRun(
    String folder, String task, String method, JsonNode record, Path model, Path tests) {
  /** The tasks in the order of the paper's table, with what their quality is called. */
  static final List<String> TASKS = List.of("imdb", "ag_news", "text8", "words");

  /** Methods in the order of a table. */
  private static final List<String> METHODS =
      List.of("original", "prun-wn", "prun-wgn", "bayes-w", "bayes-wn", "bayes-wgn");

  /**
   * The runs below {@code folder}, by task and method.
   *
   * @throws IOException if there is none; the message says how to train
   */
  static List<SparseRun> in(Path folder) throws IOException {
    List<SparseRun> runs = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (Stream<Path> inside = Files.list(folder)) {
        for (Path run : inside.sorted().toList()) {
          Path record = run.resolve("record.json");
          if (Files.exists(record)) {
            runs.add(of(run, RunFile.read(record, "train again, or move %s away".formatted(run))));
          }
        }
      }
    }
    if (runs.isEmpty()) {
      throw new IOException(
          "no training in %s; train first: python3 training/pytorch/train_sparse.py TASK DATA %s/NAME --method METHOD (training/pytorch/README.md)"
              .formatted(folder, folder));
    }
    runs.sort((a, b) ->
        a.task.equals(b.task)
            ? METHODS.indexOf(a.method) - METHODS.indexOf(b.method)
            : TASKS.indexOf(a.task) - TASKS.indexOf(b.task));
    return runs;
  }

  private static SparseRun of(Path run, JsonNode record) throws IOException {
    String task = record.path("settings").path("task").asText();
    String method = record.path("settings").path("method").asText();
    if (!TASKS.contains(task) || !METHODS.contains(method)) {
      throw new IOException(
          "%s has task \"%s\" and method \"%s\", which train_sparse.py does not write; move it away"
              .formatted(run.resolve("record.json"), task, method));
    }
    return new SparseRun(
        run.getFileName().toString(),
        task,
        method,
        record,
        run.resolve("model.safetensors"),
        run.resolve("tests.safetensors"));
  }

  /** Whether the training has ended, so that there is a network. */
  boolean isFinished() {
    return record.path("result").isObject() && Files.exists(model) && Files.exists(tests);
  }

  /** What quality is called: {@code accuracy}, {@code bits} or {@code perplexity}. */
  String quality() {
    return switch (task) {
      case "text8" -> "bits";
      case "words" -> "perplexity";
      default -> "accuracy";
    };
  }

  /** Whether more of the quality is better. */
  boolean isMoreBetter() {
    return quality().equals("accuracy");
  }

  /** Validation quality after each epoch. */
  List<Double> qualities() {
    return points(point -> point.path(quality()).asDouble());
  }

  /** Gates of kept neurons that are not constant, after each epoch, all layers together. */
  List<Double> gates() {
    return points(point -> {
      double gates = 0;
      for (JsonNode layer : point.path("gates")) {
        for (JsonNode kind : layer) {
          gates += kind.asDouble();
        }
      }
      return gates;
    });
  }

  private interface Value {
    double of(JsonNode point);
  }

  private List<Double> points(Value value) {
    return StreamSupport.stream(
            Spliterators.spliteratorUnknownSize(record.path("curve").elements(), 0), false)
        .map(value::of)
        .toList();
  }
}
