package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.tuning.LayerStructure;
import io.github.stillgate.tuning.Pruning;
import io.github.stillgate.tuning.Removal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/**
 * The gates of a network that are not constant, its weights that are not 0, and what nothing reads.
 */
final class StructureReport {
  private final List<LayerStructure> layers;
  private final List<Removal> unread;

  StructureReport(Model model) {
    this.layers = LayerStructure.of(model);
    this.unread = unread(model);
  }

  private static List<Removal> unread(Model model) {
    return Pruning.isPrunable(model)
        ? Pruning.of(model).removals().stream().filter(r -> r.removed() > 0).toList()
        : List.of();
  }

  List<LayerStructure> layers() {
    return layers;
  }

  void print(Output out) {
    List<List<String>> rows = new ArrayList<>();
    for (LayerStructure layer : layers) {
      boolean gated = !layer.gates().isEmpty();
      rows.add(
          List.of(
              layer.layer(),
              Output.number(layer.units(), 0),
              gated ? Output.number(layer.movingGates(), 0) : "",
              gated ? Output.number(layer.allGates(), 0) : "",
              layer.gates().stream()
                  .map(gate -> gate + " " + layer.movingGates(gate))
                  .collect(Collectors.joining(", ")),
              Output.number(layer.nonZeroWeights(), 0),
              Output.number(layer.weights(), 0),
              compression(layer.weights(), layer.nonZeroWeights())));
    }
    long weights = layers.stream().mapToLong(LayerStructure::weights).sum();
    long nonZero = layers.stream().mapToLong(LayerStructure::nonZeroWeights).sum();
    rows.add(
        List.of(
            "in all",
            "",
            "",
            "",
            "",
            Output.number(nonZero, 0),
            Output.number(weights, 0),
            compression(weights, nonZero)));
    out.table(
        List.of(
            "layer",
            "units",
            "gates not constant",
            "of",
            "by kind",
            "weights not 0",
            "of",
            "compression"),
        rows);
    for (LayerStructure layer : layers) {
      if (layer.kind().equals("lstm")) {
        out.line(
            "units of %s by gates not constant: %s",
            layer.layer(),
            layer.patterns().entrySet().stream()
                .filter(pattern -> pattern.getValue() > 0)
                .map(pattern -> pattern.getKey() + " " + pattern.getValue())
                .collect(Collectors.joining(", ")));
      }
    }
    if (!unread.isEmpty()) {
      out.line(
          "read by nothing: %s; ./stillgate convert IN OUT --prune removes them",
          unread.stream()
              .map(r -> "%s %d of %d %s".formatted(r.layer(), r.removed(), r.before(), r.part()))
              .collect(Collectors.joining(", ")));
    }
  }

  private static String compression(long weights, long nonZero) {
    return nonZero == 0 ? "" : Output.number((double) weights / nonZero, 2);
  }

  void describe(Map<String, Object> description) {
    description.put("structure", layers.stream().map(StructureReport::describe).toList());
    long weights = layers.stream().mapToLong(LayerStructure::weights).sum();
    long nonZero = layers.stream().mapToLong(LayerStructure::nonZeroWeights).sum();
    description.put("weights", weights);
    description.put("nonzero_weights", nonZero);
    if (nonZero > 0) {
      description.put("compression", (double) weights / nonZero);
    }
    description.put(
        "unread",
        unread.stream()
            .map(r ->
                Map.of(
                    "layer", r.layer(),
                    "part", r.part().name().toLowerCase(Locale.ROOT),
                    "count", r.removed()))
            .toList());
  }

  private static Map<String, Object> describe(LayerStructure layer) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("layer", layer.layer());
    description.put("kind", layer.kind());
    description.put("units", layer.units());
    if (!layer.gates().isEmpty()) {
      SequencedMap<String, Integer> gates = new LinkedHashMap<>();
      layer.gates().forEach(gate -> gates.put(gate, layer.movingGates(gate)));
      description.put("gates", gates);
      description.put("gates_not_constant", layer.movingGates());
      description.put("gates_in_all", layer.allGates());
      description.put("patterns", layer.patterns());
    }
    description.put("weights", layer.weights());
    description.put("nonzero_weights", layer.nonZeroWeights());
    if (layer.nonZeroWeights() > 0) {
      description.put("compression", (double) layer.weights() / layer.nonZeroWeights());
    }
    return description;
  }
}
