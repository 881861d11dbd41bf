package io.github.stillgate.cli;

import io.github.stillgate.audio.WavFormat;
import io.github.stillgate.audio.WavReader;
import io.github.stillgate.cli.rows.RowFile;
import io.github.stillgate.cli.rows.RowReader;
import io.github.stillgate.core.model.Graph;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Which file, or which constant, each input of a network is.
 *
 * @param graph the network's values
 * @param files by the inputs' names
 * @param constants by the inputs' names
 */
record ScoreInputs(Graph graph, Map<String, RowFile> files, Map<String, float[]> constants) {
  /**
   * Sorts out what was said.
   *
   * @param arguments FILE or NAME=FILE
   * @param settings values by names
   * @throws IllegalArgumentException if an input is given twice or not at all, or there is none of
   *     the name
   * @throws IOException if a file is missing or holds no rows
   */
  static ScoreInputs of(Graph graph, List<String> arguments, Map<String, String> settings)
      throws IOException {
    Map<String, Integer> widths = new LinkedHashMap<>();
    graph.inputs().forEach(input -> widths.put(input.name(), input.width()));
    Map<String, float[]> constants = new LinkedHashMap<>();
    for (Map.Entry<String, String> setting : settings.entrySet()) {
      Integer width = widths.get(setting.getKey());
      if (width == null) {
        throw new IllegalArgumentException(
            "--set %s: the model has no such input; it reads %s"
                .formatted(setting.getKey(), widths.keySet()));
      }
      constants.put(setting.getKey(), constant(setting.getKey(), setting.getValue(), width));
    }
    Map<String, RowFile> files = new LinkedHashMap<>();
    List<Path> unnamed = new ArrayList<>();
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      String name = equals < 0 ? "" : argument.substring(0, equals);
      if (!widths.containsKey(name)) {
        unnamed.add(Path.of(argument));
      } else if (constants.containsKey(name)
          || files.put(name, RowFile.of(Path.of(argument.substring(equals + 1)))) != null) {
        throw new IllegalArgumentException("input %s is given twice".formatted(name));
      }
    }
    List<String> left =
        widths.keySet().stream()
            .filter(name -> !files.containsKey(name) && !constants.containsKey(name))
            .toList();
    if (unnamed.size() > 1 || !unnamed.isEmpty() && left.isEmpty()) {
      throw new IllegalArgumentException(
          "%s is for no input: the model reads %s; give each as NAME=FILE"
              .formatted(unnamed.getLast(), widths.keySet()));
    }
    if (unnamed.isEmpty() && !left.isEmpty()) {
      throw new IllegalArgumentException(
          "nothing is given for %s; add %s=FILE, or --set %s=0"
              .formatted(left, left.getFirst(), left.getFirst()));
    }
    for (Path path : unnamed) {
      RowFile file = RowFile.of(path);
      if (left.size() > 1 && file.kind() != RowFile.Kind.SAFETENSORS) {
        throw new IllegalArgumentException(
            "%s holds one input, and the model reads %s; give each as NAME=FILE, or --set NAME=VALUE for those that are constant"
                .formatted(path, left));
      }
      left.forEach(name -> files.put(name, file));
    }
    return new ScoreInputs(graph, files, constants);
  }

  private static float[] constant(String name, String text, int width) {
    String[] parts = text.split(",", -1);
    if (parts.length != 1 && parts.length != width) {
      throw new IllegalArgumentException(
          "--set %s has %d values, the input has %d; give one for all, or as many"
              .formatted(name, parts.length, width));
    }
    float[] values = new float[width];
    try {
      for (int i = 0; i < width; i++) {
        values[i] = Float.parseFloat(parts[parts.length == 1 ? 0 : i].strip());
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "--set %s=%s: expected numbers with commas between them".formatted(name, text), e);
    }
    return values;
  }

  List<Path> paths() {
    return files.values().stream().map(RowFile::path).distinct().toList();
  }

  boolean hasSound() {
    return files.values().stream().anyMatch(file -> file.kind() == RowFile.Kind.WAV);
  }

  /** The rate of rows of {@code width} samples, one a step, if an input is sound. */
  OptionalInt rateOf(int width, Optional<Integer> hop) throws IOException {
    for (Graph.Value input : graph.inputs()) {
      RowFile file = files.get(input.name());
      if (file == null || file.kind() != RowFile.Kind.WAV) {
        continue;
      }
      try (WavReader wav = WavReader.open(file.path(), WavReader.MIX)) {
        WavFormat format = wav.format();
        long perHop = (long) format.rate() * width;
        int samples = hop.orElse(input.width());
        if (perHop % samples != 0 || perHop / samples > Integer.MAX_VALUE) {
          throw new IllegalArgumentException(
              "%d samples for each %d of %s, at %d Hz, make no whole rate; give --rate HZ"
                  .formatted(width, samples, file.path(), format.rate()));
        }
        return OptionalInt.of((int) (perHop / samples));
      }
    }
    return OptionalInt.empty();
  }

  /**
   * Opens the files.
   *
   * @throws IOException if rows have another width than the input, or files have other numbers of
   *     rows
   */
  ScoreFeeds open(RowFile.Cut cut) throws IOException {
    List<Graph.Value> inputs = graph.inputs();
    RowReader[] readers = new RowReader[inputs.size()];
    float[][] values = new float[inputs.size()][];
    try {
      for (int i = 0; i < readers.length; i++) {
        Graph.Value input = inputs.get(i);
        RowFile file = files.get(input.name());
        values[i] = constants.getOrDefault(input.name(), new float[input.width()]);
        if (file != null) {
          readers[i] = file.open(input.name(), input.width(), cut);
        }
      }
      return new ScoreFeeds(
          inputs.stream().map(Graph.Value::name).toArray(String[]::new), readers, values);
    } catch (Throwable failure) {
      for (RowReader reader : Arrays.asList(readers)) {
        if (reader != null) {
          reader.close();
        }
      }
      throw failure;
    }
  }
}
