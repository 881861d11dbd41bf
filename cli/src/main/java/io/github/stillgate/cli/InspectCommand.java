package io.github.stillgate.cli;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description = "Shows what is in a weights file: layers, tensors, sizes.")
final class InspectCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL", description = "a weights file (see docs/format.md)")
  private Path path;

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    try (WeightsFile file = WeightsFile.open(path)) {
      Model model = Model.from(file);
      Output out = new Output(spec.commandLine().getOut());
      if (json) {
        out.json(describe(file, model));
      } else {
        print(file, model, out);
      }
      return 0;
    }
  }

  private void print(WeightsFile file, Model model, Output out) throws Exception {
    out.line("%s", path);
    out.line(
        "%s parameters, %s bytes, fingerprint %016x",
        Output.number(model.parameters(), 0),
        Output.number(Files.size(path), 0),
        model.fingerprint());
    model.vocabulary().ifPresent(v -> out.line("reads %d tokens: %s", v.size(), v));
    ProofVectors.metBy(file)
        .ifPresent(met ->
            out.line(
                "proved on %d cases of the original: largest error %.2g, allowed %.2g",
                ProofVectors.carriedBy(file).map(proof -> proof.cases().size()).orElse(0),
                met.measured(),
                met.tolerance()));
    out.line("");
    List<List<String>> layers = new ArrayList<>();
    for (Layer layer : model.layers()) {
      layers.add(
          List.of(
              layer.name(), kind(layer), "%d -> %d".formatted(layer.inputs(), layer.outputs())));
    }
    out.table(List.of("layer", "kind", "width"), layers);
    out.line("");
    List<List<String>> tensors = new ArrayList<>();
    for (Tensor tensor : file.tensors().values()) {
      tensors.add(
          List.of(
              tensor.name(),
              tensor.type().name(),
              Arrays.toString(tensor.shape()),
              Output.number(tensor.byteSize(), 0)));
    }
    out.table(List.of("tensor", "type", "shape", "bytes"), tensors);
    file.metadata()
        .forEach((key, value) -> {
          if (!key.equals("stillgate") && !key.startsWith("stillgate.")) {
            out.line("%n%s: %s", key, value);
          }
        });
  }

  private Map<String, Object> describe(WeightsFile file, Model model) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("file", path.toString());
    description.put("parameters", model.parameters());
    description.put("fingerprint", "%016x".formatted(model.fingerprint()));
    model.vocabulary().ifPresent(v -> description.put("vocabulary", v.characters()));
    ProofVectors.metBy(file)
        .ifPresent(met ->
            description.put(
                "proof", Map.of("tolerance", met.tolerance(), "measured", met.measured())));
    description.put(
        "layers",
        model.layers().stream()
            .map(layer ->
                Map.of(
                    "name", layer.name(),
                    "kind", kind(layer),
                    "inputs", layer.inputs(),
                    "outputs", layer.outputs()))
            .toList());
    description.put(
        "tensors",
        file.tensors().values().stream()
            .map(tensor ->
                Map.of(
                    "name", tensor.name(),
                    "type", tensor.type().name(),
                    "shape", tensor.shape()))
            .toList());
    return description;
  }

  private static String kind(Layer layer) {
    return switch (layer) {
      case ConditionalGru gru ->
          switch (gru.gating()) {
            case Gating.Full _ -> "conditional GRU, full gating";
            case Gating.Unit unit -> "conditional GRU, unit gating of rank " + unit.rank();
            case Gating.Block block -> "conditional GRU, block gating, " + blocks(block);
            case Gating.Hybrid hybrid ->
                "conditional GRU, hybrid gating, " + blocks(hybrid.block());
          };
      case Gru gru ->
          switch (gru.reset()) {
            case Reset.AfterMatrix after ->
                "GRU, reset after the matrix"
                    + (after.bh().isPresent() ? " and a bias" : "")
                    + gru.estimate().map(e -> ", gates estimated at rank " + e.rank()).orElse("");
            case Reset.BeforeMatrix _ -> "GRU, reset before the matrix";
          };
      case Lstm lstm ->
          "LSTM"
              + (lstm.forget().isEmpty() ? ", coupled gates" : "")
              + (lstm.peepholes().isPresent() ? ", peepholes" : "")
              + lstm.projection()
                  .map(wp -> ", %d cells projected".formatted(lstm.cells()))
                  .orElse("");
      case SimpleRnn _ -> "recurrent, no gates";
      case Embedding _ -> "embedding";
      case Dense dense -> "dense" + end(dense.activation());
      case Backward backward -> kind(backward.layer()) + ", from the end";
      case Bidirectional pair -> "both directions: " + kind(pair.forward());
    };
  }

  private static String end(Activation activation) {
    return switch (activation) {
      case Activation.Softmax _ -> ", softmax";
      case Activation.Elementwise f ->
          f.steps().stream()
              .map(step -> ", " + step.function().name().toLowerCase(Locale.ROOT))
              .collect(Collectors.joining());
    };
  }

  private static String blocks(Gating.Block block) {
    return "%d blocks of %d".formatted(block.blocks(), block.blockUnits());
  }
}
