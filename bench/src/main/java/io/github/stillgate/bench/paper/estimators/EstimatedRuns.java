package io.github.stillgate.bench.paper.estimators;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.stillgate.bench.paper.RunFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What {@code training/pytorch/estimated_mlp.py} left: folders of runs with their records.
 *
 * @param networks of the table: those of finished runs whose minibatches were not logged
 * @param refresh finished runs whose minibatches were logged: figure 3.2
 * @param rankErrors what {@code rank_error.py} wrote: figure 3.3
 * @param settings of the table's runs, the seeds aside
 * @param pictures what they were trained on
 * @param machines what they were trained on, in words
 * @param unfinished names of folders whose training has not ended
 */
record EstimatedRuns(
    List<Trained> networks,
    List<JsonNode> refresh,
    List<JsonNode> rankErrors,
    JsonNode settings,
    String pictures,
    List<String> machines,
    List<String> unfinished) {
  /** Settings that may differ between the runs of one table. */
  private static final List<String> FREE = List.of("seeds", "networks", "trace");

  /**
   * One trained network.
   *
   * @param configuration {@code control} or its ranks
   * @param seed what it began from
   * @param file its weights
   * @param classes the class its trainer gives each test picture
   * @param test what its trainer says of the test part
   * @param curve its validation error after each epoch, in percent
   */
  record Trained(
      String configuration,
      int seed,
      Path file,
      byte[] classes,
      JsonNode test,
      List<Double> curve) {
    boolean isControl() {
      return configuration.equals("control");
    }
  }

  /**
   * Reads every run under {@code folder}.
   *
   * @param training the command that trains, for the message
   * @throws IOException if there is no finished run of the table, or two do not go together; the
   *     message says what to do
   */
  static EstimatedRuns read(Path folder, String training) throws IOException {
    List<Trained> networks = new ArrayList<>();
    List<JsonNode> refresh = new ArrayList<>();
    List<JsonNode> rankErrors = new ArrayList<>();
    List<String> unfinished = new ArrayList<>();
    Map<String, JsonNode> settings = new TreeMap<>();
    Map<String, String> machines = new TreeMap<>();
    String pictures = "";
    for (Path run : runs(folder)) {
      JsonNode record =
          RunFile.read(run.resolve("record.json"), "train again, or move %s away".formatted(run));
      JsonNode result = record.path("result");
      String name = run.getFileName().toString();
      if (!result.has("networks")) {
        unfinished.add(
            "%s (epoch %d of %d)"
                .formatted(
                    name,
                    record.path("curve").size(),
                    record.path("settings").path("epochs").asInt()));
        continue;
      }
      if (record.path("settings").path("trace").asInt() > 0) {
        refresh.add(record);
        continue;
      }
      settings.put(name, record.path("settings"));
      machines.put(record.path("machine").asText(), name);
      pictures = result.path("pictures").asText();
      for (Iterator<Map.Entry<String, JsonNode>> each = result.path("networks").fields();
          each.hasNext(); ) {
        Map.Entry<String, JsonNode> one = each.next();
        networks.add(trained(run, one.getKey(), one.getValue(), record.path("curve")));
      }
      if (Files.exists(run.resolve("rank-error.json"))) {
        rankErrors.add(rankError(run.resolve("rank-error.json")));
      }
    }
    if (networks.isEmpty()) {
      throw new IOException(
          "no finished training under %s%s; train first: %s"
              .formatted(
                  folder,
                  unfinished.isEmpty() ? "" : ", unfinished: " + String.join(", ", unfinished),
                  training));
    }
    requireEqual(settings);
    return new EstimatedRuns(
        networks,
        refresh,
        rankErrors,
        settings.values().iterator().next(),
        pictures,
        List.copyOf(machines.keySet()),
        unfinished);
  }

  private static JsonNode rankError(Path file) throws IOException {
    String cure = "remove it, or make it again with rank_error.py";
    JsonNode read = RunFile.read(file, cure);
    boolean whole = !read.path("layers").isEmpty();
    for (JsonNode layer : read.path("layers")) {
      int ranks = layer.path("ranks").size();
      whole &= ranks > 0 && layer.path("value").size() == ranks;
      whole &= layer.path("sign").size() == ranks;
    }
    if (!whole) {
      throw new IOException(
          "%s: has no layers with as many values and signs as ranks; %s".formatted(file, cure));
    }
    return read;
  }

  private static List<Path> runs(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> inside = Files.list(folder)) {
      return inside.filter(run -> Files.exists(run.resolve("record.json"))).sorted().toList();
    }
  }

  private static Trained trained(Path run, String name, JsonNode network, JsonNode points)
      throws IOException {
    List<Double> curve = new ArrayList<>();
    for (JsonNode point : points) {
      curve.add(point.path("networks").path(name).path("error").asDouble());
    }
    return new Trained(
        network.path("configuration").asText(),
        network.path("seed").asInt(),
        run.resolve(name + ".safetensors"),
        Files.readAllBytes(run.resolve(name + ".classes")),
        network.path("test"),
        curve);
  }

  private static void requireEqual(Map<String, JsonNode> settings) throws IOException {
    Map.Entry<String, JsonNode> first = settings.entrySet().iterator().next();
    for (Map.Entry<String, JsonNode> other : settings.entrySet()) {
      for (Iterator<String> names = first.getValue().fieldNames(); names.hasNext(); ) {
        String name = names.next();
        if (!FREE.contains(name)
            && !first.getValue().path(name).equals(other.getValue().path(name))) {
          throw new IOException(
              "%s and %s were trained with another %s and make no table together; move one away"
                  .formatted(first.getKey(), other.getKey(), name));
        }
      }
    }
  }

  /** Configurations in the order in which they were given to the trainer; the control is first. */
  List<String> configurations() {
    return networks.stream().map(Trained::configuration).distinct().toList();
  }

  /** All seeds of one configuration. */
  List<Trained> of(String configuration) {
    return networks.stream().filter(n -> n.configuration().equals(configuration)).toList();
  }
}
