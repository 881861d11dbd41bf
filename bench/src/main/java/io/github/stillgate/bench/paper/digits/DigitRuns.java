package io.github.stillgate.bench.paper.digits;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * What {@code training/pytorch/digits.py} left: folders {@code fold-K} with trained networks.
 *
 * @param trained of all folds; small networks before large ones, folds in order
 * @param unfinished trainings that have not ended
 */
record DigitRuns(List<Trained> trained, List<String> unfinished) {
  /**
   * Reads every training under {@code folder}.
   *
   * @throws IOException if none has ended; the message says how to train
   */
  static DigitRuns read(Path folder) throws IOException {
    JsonMapper json = JsonMapper.builder().build();
    List<Trained> trained = new ArrayList<>();
    List<String> unfinished = new ArrayList<>();
    for (Path fold : inside(folder, name -> name.matches("fold-\\d+"))) {
      for (Path run : inside(fold, name -> name.matches("\\d+x\\d+"))) {
        if (!Files.exists(run.resolve("record.json"))) {
          continue;
        }
        JsonNode record = json.readTree(run.resolve("record.json").toFile());
        if (record.path("result").isObject()) {
          trained.add(Trained.of(run, record));
        } else {
          unfinished.add(
              "%s (epoch %d of %d)"
                  .formatted(
                      folder.relativize(run),
                      record.path("curve").size(),
                      record.path("settings").path("epochs").asInt()));
        }
      }
    }
    if (trained.isEmpty()) {
      throw new IOException(
          "no finished training under %s%s; train first: python3 training/pytorch/digits.py --data RECORDINGS --runs %s"
              .formatted(
                  folder,
                  unfinished.isEmpty() ? "" : ", unfinished: " + String.join(", ", unfinished),
                  folder));
    }
    trained.sort(
        Comparator.comparingInt(Trained::parameters)
            .thenComparing(one -> one.folder().getParent().getFileName().toString()));
    return new DigitRuns(List.copyOf(trained), List.copyOf(unfinished));
  }

  private static List<Path> inside(Path folder, Predicate<String> wanted) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> found = Files.list(folder)) {
      return found.filter(path -> wanted.test(path.getFileName().toString())).sorted().toList();
    }
  }

  /** The names of the networks, small ones first. */
  List<String> networks() {
    return trained.stream().map(Trained::name).distinct().toList();
  }

  /** One network in all folds where its training has ended. */
  List<Trained> of(String network) {
    return trained.stream().filter(one -> one.name().equals(network)).toList();
  }
}
