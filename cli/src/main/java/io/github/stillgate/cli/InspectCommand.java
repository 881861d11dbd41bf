package io.github.stillgate.cli;

import io.github.stillgate.cli.plot.GatePlot;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.plan.OperandScale;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.Proof;
import io.github.stillgate.core.weights.RegularFile;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description = {
      "Shows what is in a weights file: layers, tensors, sizes, notes. What a file says of its own proof is"
          + " shown as its claim; --verify replays the proof here.",
      "",
      "Of what each layer multiplies it tells how an int8 plan rounds it: by 1/127, where values are proved"
          + " to lie within [-1, 1], by a scale found on data, or by one taken in each step (docs/int8.md).",
      "",
      "Of each layer it counts the weights that are not 0 and the gates that are not constant: those with a"
          + " weight over the input or the state that is not 0 (docs/pruning.md).",
      ""
    })
final class InspectCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL", description = "a weights file (see docs/format.md)")
  private Path path;

  @Option(
      names = "--verify",
      description =
          "replay the proof that the file carries; exit code 1 if it is not met or absent")
  private boolean verify;

  @Option(
      names = "--svg",
      paramLabel = "FILE",
      description =
          "draw the network, if it is a graph: its values, each below those it is made of; of a chain"
              + " draw which gates of which units are not constant, a panel for each recurrent layer")
  private @Nullable Path svg;

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    RegularFile.require(path);
    if (svg != null) {
      WrittenFile.requireOther("--svg", svg, path);
    }
    try (WeightsFile file = WeightsFile.open(path)) {
      Model model = Model.from(file);
      Optional<Double> replayed = verify ? Optional.of(replay(file, model)) : Optional.empty();
      StructureReport structure = new StructureReport(model);
      if (svg != null) {
        String title = String.valueOf(path.getFileName());
        if (model.hasNamedValues()) {
          new GraphReport(model.graph(), file).plot(title).save(svg);
        } else {
          new GatePlot(title, structure.layers()).save(svg);
        }
      }
      Output out = new Output(spec.commandLine().getOut());
      if (json) {
        out.json(describe(file, model, structure, replayed));
      } else {
        print(file, model, structure, replayed, out);
        if (svg != null) {
          out.line("");
          out.line("Written: %s", svg);
        }
      }
      return 0;
    }
  }

  /** The largest error of the cases that the file carries, within what it says it was proved to. */
  private double replay(WeightsFile file, Model model) {
    Optional<ProofVectors> proof = ProofVectors.carriedBy(file);
    Optional<ProofVectors.Met> met = ProofVectors.metBy(file);
    if (proof.isEmpty() || met.isEmpty()) {
      throw new IllegalArgumentException(
          path
              + ": carries no proof; ./stillgate convert --verify FILE replays inputs and outputs of"
              + " the original and keeps them in the model");
    }
    if (!(met.get().tolerance() < 1)) {
      throw new IllegalArgumentException(
          "%s: allows errors up to %s, which proves nothing"
              .formatted(path, met.get().tolerance()));
    }
    try (Plan plan = Plan.compile(model)) {
      return Proof.replay(plan, proof.get(), met.get().tolerance());
    }
  }

  /** What an int8 plan rounds operands by; nothing if it refuses the network. */
  private static List<OperandScale> operands(Model model) {
    PlanOptions int8 = PlanOptions.defaults().withBackend("reference").withWeights(WeightFormat.I8);
    try (Plan plan = Plan.compile(model, int8)) {
      return plan.operandScales();
    } catch (IllegalArgumentException refused) {
      // Its weights are too large to run, which whoever runs it is told.
      return List.of();
    }
  }

  private void print(
      WeightsFile file,
      Model model,
      StructureReport structure,
      Optional<Double> replayed,
      Output out)
      throws IOException {
    out.line("%s", path);
    out.line(
        "%s parameters, %s bytes, fingerprint %016x",
        Output.number(model.parameters(), 0),
        Output.number(Files.size(path), 0),
        model.fingerprint());
    model.vocabulary().ifPresent(v -> out.line("reads %d tokens: %s", v.size(), v));
    int cases = ProofVectors.carriedBy(file).map(proof -> proof.cases().size()).orElse(0);
    ProofVectors.metBy(file)
        .ifPresent(met -> {
          if (replayed.isPresent()) {
            out.line(
                "proved here: cases of the original %d, largest error %.2g, allowed %.2g",
                cases, replayed.get(), met.tolerance());
          } else {
            out.line(
                "claims a proof: cases of the original %d, largest error %.2g, allowed %.2g;"
                    + " --verify replays it",
                cases, met.measured(), met.tolerance());
          }
        });
    out.line("");
    if (model.hasNamedValues()) {
      new GraphReport(model.graph(), file).print(out);
    } else {
      printLayers(model, out);
    }
    out.line("");
    structure.print(out);
    out.line("");
    List<OperandScale> operands = operands(model);
    if (!operands.isEmpty()) {
      new OperandReport(operands).print(out);
      out.line("");
    }
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
            out.line("");
            out.line("%s: %s", key, value);
          }
        });
  }

  private static void printLayers(Model model, Output out) {
    List<List<String>> layers = new ArrayList<>();
    for (Layer layer : model.layers()) {
      layers.add(
          List.of(
              layer.name(),
              LayerText.of(layer),
              "%s -> %s".formatted(layer.inputs(), layer.outputs())));
    }
    out.table(List.of("layer", "kind", "width"), layers);
  }

  private Map<String, Object> describe(
      WeightsFile file, Model model, StructureReport structure, Optional<Double> replayed) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("file", path.toString());
    description.put("parameters", model.parameters());
    description.put("fingerprint", HexFormat.of().toHexDigits(model.fingerprint()));
    model.vocabulary().ifPresent(v -> description.put("vocabulary", v.characters()));
    ProofVectors.metBy(file)
        .ifPresent(met ->
            description.put(
                "proof", Map.of("tolerance", met.tolerance(), "measured", met.measured())));
    replayed.ifPresent(error -> description.put("replayed_error", error));
    description.put(
        "layers",
        model.layers().stream()
            .map(layer ->
                Map.of(
                    "name", layer.name(),
                    "kind", LayerText.of(layer),
                    "inputs", layer.inputs(),
                    "outputs", layer.outputs()))
            .toList());
    if (model.hasNamedValues()) {
      description.put("graph", new GraphReport(model.graph(), file).describe());
    }
    structure.describe(description);
    description.put("int8_operands", new OperandReport(operands(model)).describe());
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
}
