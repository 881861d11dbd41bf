package io.github.stillgate.bench.paper.sru;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.stillgate.bench.paper.RunFile;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Sequence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The folder of trainings that {@code training/pytorch/sentences.py} keeps: {@code
 * SET/MODEL/fold-K/record.json}, and the first fold's network with what the trainer gives for its
 * test sentences.
 */
final class SentenceRuns {
  /** Sets in the order of the table. */
  static final List<String> SETS = List.of("CR", "SUBJ", "MR", "TREC", "MPQA", "SST");

  /** Models in the order of the table. */
  static final List<String> MODELS =
      List.of("lstm", "sru-2", "sru-4", "sru-2-no-cells", "sru-2-no-highway");

  /** How far a probability may be from the trainer's. */
  static final double TOLERANCE = 1e-5;

  /** A loss of this many times the first epoch's is no training any more. */
  private static final double DIVERGED = 2;

  /** What differs from training to training. */
  private static final List<String> OWN =
      List.of("set", "model", "fold", "own_test_set", "words", "words_without_vector");

  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final Path folder;
  private @Nullable JsonNode common;
  private String trainer = "";

  private SentenceRuns(Path folder) {
    this.folder = folder;
  }

  /**
   * Reads what is finished, and runs the first folds' networks over their test parts.
   *
   * @throws IllegalArgumentException if nothing is finished, or trainings differ in their settings
   * @throws IllegalStateException if a network answers other than its trainer
   */
  static SruResults.Sentences read(Path folder, SruResults.Origin origin) throws IOException {
    SentenceRuns runs = new SentenceRuns(folder);
    List<SentenceCell> cells = new ArrayList<>();
    for (String set : SETS) {
      for (String model : MODELS) {
        SentenceCell cell = runs.cell(set, model);
        if (!cell.folds().isEmpty()) {
          cells.add(cell);
        }
      }
    }
    JsonNode settings = runs.common;
    if (cells.isEmpty() || settings == null) {
      throw new IllegalArgumentException(
          "%s has no finished training of sentences; make one with --sent-conv, or as"
                  .formatted(folder)
              + " training/pytorch/README.md says");
    }
    return new SruResults.Sentences(
        origin,
        runs.trainer,
        new TreeMap<>(JSON.convertValue(settings, new TypeReference<Map<String, Object>>() {})),
        cells);
  }

  private SentenceCell cell(String set, String model) throws IOException {
    List<SentenceCell.Fold> folds = new ArrayList<>();
    int asked = 1;
    boolean ownTestSet = false;
    long parameters = 0;
    Path place = folder.resolve(set).resolve(model);
    for (Path record : records(place)) {
      String cure = "train again, or move %s away".formatted(record.getParent());
      JsonNode read = RunFile.read(record, cure);
      JsonNode settings;
      JsonNode result;
      try {
        settings = read.required("settings");
        asked = settings.required("folds").intValue();
        ownTestSet = settings.required("own_test_set").booleanValue();
        result = read.required("result");
        if (result.isNull()) {
          continue;
        }
        trainer = read.required("machine").textValue();
        parameters = result.required("parameters").longValue();
        folds.add(fold(read, settings, result));
      } catch (IllegalArgumentException incomplete) {
        throw RunFile.wrong(record, cure, incomplete);
      }
      requireCommon(record, settings);
    }
    folds.sort(Comparator.comparingInt(SentenceCell.Fold::fold));
    boolean begins = !folds.isEmpty() && folds.getFirst().fold() == 0;
    return new SentenceCell(
        set,
        model,
        asked,
        ownTestSet,
        parameters,
        folds,
        begins ? check(place.resolve("fold-0")) : null);
  }

  private static SentenceCell.Fold fold(JsonNode read, JsonNode settings, JsonNode result) {
    List<Double> validation = new ArrayList<>();
    double first = read.required("curve").path(0).path("loss").doubleValue();
    boolean diverged = false;
    // A curve that goes on for more epochs is longer than what was scored.
    int epochs = result.required("epochs").intValue();
    for (JsonNode point : read.required("curve")) {
      if (validation.size() < epochs) {
        validation.add(point.required("validation").doubleValue());
        diverged |= point.required("loss").doubleValue() > DIVERGED * first;
      }
    }
    return new SentenceCell.Fold(
        settings.required("fold").intValue(),
        result.required("test").doubleValue(),
        result.required("epoch").intValue(),
        epochs,
        result.required("cpu_seconds_an_epoch").doubleValue(),
        diverged,
        validation);
  }

  private static List<Path> records(Path place) throws IOException {
    if (!Files.isDirectory(place)) {
      return List.of();
    }
    try (Stream<Path> folds = Files.list(place)) {
      return folds.map(fold -> fold.resolve("record.json")).filter(Files::exists).sorted().toList();
    }
  }

  private void requireCommon(Path record, JsonNode settings) {
    ObjectNode shared = settings.deepCopy();
    shared.remove(OWN);
    if (common == null) {
      common = shared;
    } else if (!common.equals(shared)) {
      throw new IllegalArgumentException(
          "%s was trained with %s, others with %s; one table needs one setting"
              .formatted(record, shared, common));
    }
  }

  /** Runs the network of {@code fold} over its test sentences. */
  static SentenceCell.Check check(Path fold) throws IOException {
    Path file = fold.resolve("check.json");
    String cure = "train again, or move %s away".formatted(fold);
    JsonNode kept = RunFile.read(file, cure);
    Model model = Model.load(fold.resolve("network.safetensors"));
    try (Plan plan = Plan.compile(model);
        Sequence sequence = Sequence.open(plan)) {
      return check(fold, kept, sequence);
    } catch (IllegalArgumentException | IndexOutOfBoundsException incomplete) {
      throw RunFile.wrong(file, cure, incomplete);
    }
  }

  private static SentenceCell.Check check(Path fold, JsonNode kept, Sequence sequence) {
    int[][] sentences = JSON.convertValue(kept.required("tokens"), int[][].class);
    int[] labels = JSON.convertValue(kept.required("labels"), int[].class);
    double[][] probabilities = JSON.convertValue(kept.required("probabilities"), double[][].class);
    if (labels.length != sentences.length || probabilities.length != sentences.length) {
      throw new IllegalArgumentException(
          "it has %d sentences, %d labels and probabilities of %d"
              .formatted(sentences.length, labels.length, probabilities.length));
    }
    double farthest = 0;
    int right = 0;
    int other = 0;
    for (int i = 0; i < sentences.length; i++) {
      sequence.reset();
      float[] here = sequence.run(sentences[i])[sentences[i].length - 1];
      double[] there = probabilities[i];
      if (there.length != here.length) {
        throw new IllegalArgumentException(
            "sentence %d has %d probabilities, the network gives %d"
                .formatted(i, there.length, here.length));
      }
      for (int k = 0; k < there.length; k++) {
        farthest = Math.max(farthest, Math.abs(here[k] - there[k]));
      }
      int best = largest(here);
      right += best == labels[i] ? 1 : 0;
      other += there[best] < Arrays.stream(there).max().orElseThrow() ? 1 : 0;
    }
    if (!(farthest <= TOLERANCE)) {
      throw new IllegalStateException(
          "%s: a probability is %.2g from the trainer's; at most %.0g is rounding"
              .formatted(fold, farthest, TOLERANCE));
    }
    return new SentenceCell.Check(
        sentences.length, 100.0 * right / sentences.length, farthest, other);
  }

  private static int largest(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }
}
