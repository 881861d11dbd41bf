package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.weights.WeightsWriter;
import io.github.stillgate.tuning.LayerStructure;
import io.github.stillgate.tuning.Pruning;
import io.github.stillgate.tuning.PruningProof;
import io.github.stillgate.tuning.Removal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What {@code convert --prune} did.
 *
 * @param pruning what was removed
 * @param proof that nothing was removed which is read
 * @param inputs what the proof ran on
 */
record PruneReport(Pruning pruning, PruningProof proof, String inputs) {
  /** The note a file has of its pruning, and for its metadata. */
  static final String NOTE = "pruned";

  /** Weights of a network, biases not counted. */
  private record Weights(long all, long nonZero) {
    private static Weights of(Model model) {
      List<LayerStructure> layers = LayerStructure.of(model);
      return new Weights(
          layers.stream().mapToLong(LayerStructure::weights).sum(),
          layers.stream().mapToLong(LayerStructure::nonZeroWeights).sum());
    }
  }

  /** The notes of a file with one more on this. */
  Map<String, String> notes(Map<String, String> before) {
    Map<String, String> notes = new LinkedHashMap<>(before);
    String now = note();
    @Nullable String earlier = before.get(NOTE);
    notes.put(NOTE, earlier == null ? now : earlier + "; then " + now);
    return notes;
  }

  /** What was done to the weights that changes outputs, if anything was. */
  Optional<String> change() {
    return pruning.zeroed() == 0
        ? Optional.empty()
        : Optional.of(
            "weights below %s were set to 0 (a smaller --threshold changes less)"
                .formatted(pruning.threshold()));
  }

  /** Puts the cases of the proof into the file. */
  void addProofTo(WeightsWriter writer) {
    proof.vectors().addTo(writer, new ProofVectors.Met(proof.tolerance(), proof.runError()));
  }

  private String note() {
    String removed =
        pruning.removals().stream()
            .filter(removal -> removal.removed() > 0)
            .map(removal ->
                "%s %d to %d %s"
                    .formatted(removal.layer(), removal.before(), removal.after(), removal.part()))
            .collect(Collectors.joining(", "));
    String zeroed =
        pruning.threshold() > 0
            ? "weights below %s set to 0: %d, ".formatted(pruning.threshold(), pruning.zeroed())
            : "";
    return zeroed + (removed.isEmpty() ? "nothing removed" : removed);
  }

  void print(Output out) {
    List<List<String>> rows = new ArrayList<>();
    for (Removal removal : pruning.removals()) {
      rows.add(
          List.of(
              removal.layer(),
              Output.number(removal.before(), 0),
              Output.number(removal.after(), 0),
              removal.part().toString(),
              removal.stays().map(Removal.Stays::toString).orElse("")));
    }
    out.table(List.of("layer", "before", "after", "of", "stay"), rows);
    out.line("");
    Weights before = Weights.of(pruning.original());
    Weights after = Weights.of(pruning.pruned());
    out.line(
        "weights: %s before, %s of them not 0; %s after, %s of them not 0%s",
        Output.number(before.all, 0),
        Output.number(before.nonZero, 0),
        Output.number(after.all, 0),
        Output.number(after.nonZero, 0),
        after.nonZero == 0
            ? ""
            : "; compression %s times"
                .formatted(Output.number((double) before.all / after.nonZero, 2)));
    if (pruning.threshold() > 0) {
      out.line(
          "%s",
          String.format(
              Locale.ROOT,
              "weights below %s set to 0: %,d, which changed outputs by at most %.2g",
              pruning.threshold(),
              pruning.zeroed(),
              proof.thresholdError()));
    }
    out.line(
        "%s",
        String.format(
            Locale.ROOT,
            "proved on %,d steps of %s: equal in float64; as it runs, largest error %.2g, allowed %.2g",
            proof.steps(),
            inputs,
            proof.runError(),
            proof.tolerance()));
  }

  Map<String, Object> describe() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("threshold", pruning.threshold());
    report.put("zeroed_weights", pruning.zeroed());
    report.put("removals", pruning.removals().stream().map(PruneReport::describe).toList());
    Weights before = Weights.of(pruning.original());
    Weights after = Weights.of(pruning.pruned());
    report.put("weights_before", before.all);
    report.put("nonzero_weights_before", before.nonZero);
    report.put("weights_after", after.all);
    report.put("nonzero_weights_after", after.nonZero);
    if (after.nonZero > 0) {
      report.put("compression", (double) before.all / after.nonZero);
    }
    Map<String, Object> proved = new LinkedHashMap<>();
    proved.put("inputs", inputs);
    proved.put("steps", proof.steps());
    proved.put("threshold_error", proof.thresholdError());
    proved.put("largest_error", proof.runError());
    proved.put("tolerance", proof.tolerance());
    report.put("proof", proved);
    return report;
  }

  private static Map<String, Object> describe(Removal removal) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("layer", removal.layer());
    description.put("part", removal.part().name().toLowerCase(Locale.ROOT));
    description.put("before", removal.before());
    description.put("after", removal.after());
    removal.stays().ifPresent(stays -> description.put("stays", stays.word()));
    return description;
  }
}
