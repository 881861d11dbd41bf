package io.github.stillgate.cli;

import static io.github.stillgate.cli.Outcome.run;
import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.TensorProto;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Proof;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsWriter;
import io.github.stillgate.importers.onnx.generated.ChainCases;
import io.github.stillgate.importers.onnx.generated.GeneratedCase;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import io.github.stillgate.importers.onnx.generated.RecurrentSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A PyTorch GRU of one unit, small enough to be worked out beside the kernels. */
class ConvertCommandTest {
  private static final float[] W = {0.7f, -1.1f, 0.9f};
  private static final float[] U = {0.4f, 0.8f, -1.3f};
  private static final float[] INPUT_BIAS = {0.1f, -0.2f, 0.3f};
  private static final float[] STATE_BIAS = {-0.3f, 0.2f, 0.6f};
  private static final float[] X = {0.5f, -1f, 0.25f, 2f};

  @TempDir private Path folder;
  private Path state;
  private Path vectors;
  private Path out;

  @BeforeEach
  void writeWhatPyTorchWould() throws IOException {
    state = folder.resolve("state.safetensors");
    vectors = folder.resolve("vectors.safetensors");
    out = folder.resolve("out.safetensors");
    write(state, W, U);
    float[] h = new float[X.length];
    double last = 0;
    for (int t = 0; t < X.length; t++) {
      double r = sigmoid(gate(0, t, last));
      double z = sigmoid(gate(1, t, last));
      double n = Math.tanh(W[2] * X[t] + INPUT_BIAS[2] + r * (U[2] * last + STATE_BIAS[2]));
      last = (1 - z) * n + z * last;
      h[t] = (float) last;
    }
    new WeightsWriter()
        .tensor("input", X, X.length, 1)
        .tensor("output", h, X.length, 1)
        .write(vectors);
  }

  private static double gate(int i, int t, double last) {
    return W[i] * X[t] + INPUT_BIAS[i] + U[i] * last + STATE_BIAS[i];
  }

  private static double sigmoid(double v) {
    return 1 / (1 + Math.exp(-v));
  }

  private static void write(Path file, float[] w, float[] u) throws IOException {
    new WeightsWriter()
        .metadata("format", "pt")
        .tensor("rnn.weight_ih_l0", w, 3, 1)
        .tensor("rnn.weight_hh_l0", u, 3, 1)
        .tensor("rnn.bias_ih_l0", INPUT_BIAS, 3)
        .tensor("rnn.bias_hh_l0", STATE_BIAS, 3)
        .tensor("head.weight", new float[] {1}, 1, 1)
        .write(file);
  }

  @Test
  void anSruIsTakenOverAndInspected() throws IOException {
    new WeightsWriter()
        .tensor("enc.rnn_lst.0.weight", new float[4 * 12], 4, 12)
        .tensor("enc.rnn_lst.0.weight_c", new float[] {1, 0, 0, 0, 0, 0, 0, 0}, 8)
        .tensor("enc.rnn_lst.0.bias", new float[8], 8)
        .tensor("enc.rnn_lst.0.scale_x", new float[] {1.5f}, 1)
        .write(state);
    Outcome outcome = run("convert", state, out, "--layers", "sru:enc:tanh");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(run("inspect", out).out())
        .contains("SRU, highway from the input times 1.5, tanh")
        .contains("4 -> 4");
    outcome = run("convert", state, out, "--layers", "sru:enc:both");
    assertThat(outcome.code()).isNotZero();
    assertThat(outcome.err()).contains("\"both\" is not known");
  }

  @Test
  void anImportThatIsProvedKeepsItsProof() throws IOException {
    Outcome outcome =
        run("convert", state, out, "--layers", "gru:rnn", "--ignore", "head", "--verify", vectors);
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .contains("verified: largest error")
        .contains("not used: head.weight")
        .doesNotContain("not verified");
    try (WeightsFile file = WeightsFile.open(out);
        Plan plan = Plan.compile(Model.from(file))) {
      ProofVectors proof = ProofVectors.carriedBy(file).orElseThrow();
      assertThat(Proof.replay(plan, proof, 1e-6)).isLessThan(1e-6);
      assertThat(ProofVectors.metBy(file).orElseThrow().tolerance()).isEqualTo(1e-5);
    }
    assertThat(run("inspect", out).out())
        .contains("claims a proof: cases of the original 1")
        .contains("GRU, reset after the matrix and a bias");
    assertThat(run("inspect", out, "--verify").out())
        .contains("proved here: cases of the original 1, largest error");
    assertThat(run("inspect", state, "--verify").code()).isEqualTo(1);
    Path again = folder.resolve("again.safetensors");
    assertThat(run("convert", out, again).out()).contains("verified");
    Outcome rounded = run("convert", out, again, "--dtype", "bf16");
    assertThat(rounded.code()).isEqualTo(1);
    assertThat(rounded.err()).contains("tolerance");
    assertThat(run("convert", out, again, "--dtype", "bf16", "--tolerance", "0.05").code())
        .isZero();
  }

  @Test
  void aWrongOrderOfTheGatesIsRefusedAndNothingIsWritten() throws IOException {
    write(state, new float[] {W[1], W[0], W[2]}, new float[] {U[1], U[0], U[2]});
    Outcome outcome =
        run("convert", state, out, "--layers", "gru:rnn", "--ignore", "head", "--verify", vectors);
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err())
        .contains("case 0, step 0, output 0 is")
        .contains("was expected")
        .contains("order of the gates");
    assertThat(out).doesNotExist();
  }

  @Test
  void anImportWithoutVectorsSaysSo() {
    assertThat(run("convert", state, out, "--layers", "gru:rnn", "--ignore", "head").out())
        .contains("not verified: give --verify FILE");
  }

  /** An If picks its branch by an input, and states come back from an output. */
  @Test
  void inputsAreFixedAndStatesPaired() throws IOException {
    GeneratedCase stateful = RecurrentSpec.of("GRU").with("initial_h").toCase();
    Path onnx = folder.resolve("net.onnx");
    Files.write(onnx, stateful.model().toByteArray());
    assertThat(run("convert", onnx, out).out())
        .contains("input \"initial_h\": state gru_Y_Y_h.h, to set; zero after a reset; output")
        .contains("\"Y_h\" gives it back in the same places");
    assertThat(run("convert", onnx, out, "--state", "initial_h=Y_h").code()).isZero();
    assertThat(run("convert", onnx, out, "--state", "initial_h=Y").err())
        .contains("--state initial_h=Y: this output does not give back", "it has [initial_h=Y_h]");
    JsonNode report =
        JsonMapper.builder().build().readTree(run("convert", onnx, out, "--json").out());
    assertThat(report.at("/pairs/0/input").textValue()).isEqualTo("initial_h");
    assertThat(report.at("/pairs/0/output").textValue()).isEqualTo("Y_h");
    OnnxGraph graph = new OnnxGraph().input("X", 6, 3, 4);
    graph.typedInput("fast", TensorProto.DataType.BOOL_VALUE);
    stateful.model().getGraph().getInitializerList().forEach(graph::constant);
    graph.choice("Z", "fast", branch("forward"), branch("reverse")).output("Z");
    Files.write(onnx, graph.model().toByteArray());
    assertThat(run("convert", onnx, out).err())
        .contains("--set fast=VALUE", "(If) takes a branch by it");
    Outcome set = run("convert", onnx, out, "--set", "fast=true");
    assertThat(set.code()).as(set.err()).isZero();
    assertThat(set.out()).contains("input \"fast\": fixed at [1]");
    assertThat(Model.load(out).layers().getFirst()).isInstanceOf(Gru.class);
    assertThat(run("convert", onnx, out, "--set", "slow=1").err())
        .contains("no input of the graph is called \"slow\"; it has [X, fast]");
    assertThat(run("convert", out, out.resolveSibling("copy"), "--set", "fast=1").err())
        .contains("--set, --shape and --state are for .onnx files");
  }

  private static OnnxGraph branch(String direction) {
    return new OnnxGraph()
        .node(
            "GRU",
            List.of("X", "W", "R"),
            List.of("Y"),
            Map.of("hidden_size", 5, "direction", direction))
        .output("Y");
  }

  /** Two outputs, a convolution that reads what was kept of the last step, sizes left open. */
  @Test
  void aGraphThatIsNoChainIsConvertedAndProved() throws IOException {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 1, -1)
            .input("cache", 1, 1, 1)
            .constant(OnnxGraph.tensor("w", new long[] {1, 1, 2}, 1, 10))
            .node("Concat", List.of("cache", "x"), List.of("all"), Map.of("axis", 2))
            .node("Conv", "y", "all", "w")
            .node("Abs", "z", "x")
            .whole("from", -1)
            .whole("to", Integer.MAX_VALUE)
            .whole("axis", 2)
            .node("Slice", "kept", "all", "from", "to", "axis")
            .output("y")
            .output("z")
            .output("kept");
    Path onnx = folder.resolve("net.onnx");
    Files.write(onnx, graph.model().toByteArray());
    Path vectors = folder.resolve("vectors.safetensors");
    // Two values a step; y of both positions, then z.
    new WeightsWriter()
        .tensor("input", new float[] {1, -2, 3, 4}, 2, 2)
        .tensor("output", new float[] {10, -19, 1, 2, 28, 43, 3, 4}, 2, 4)
        .write(vectors);
    Outcome outcome =
        run(
            "convert",
            onnx,
            out,
            "--shape",
            "x=1,1,2",
            "--state",
            "cache=kept",
            "--verify",
            vectors);
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .contains("input \"cache\": a state of the model, zero after a reset; it becomes \"kept\"")
        .contains("output \"y\": the model's output of this name, at every step")
        .contains("verified: largest error 0");
    Model model = Model.load(out);
    assertThat(model.graph().outputs()).containsExactly("y", "z");
    assertThat(model.graph().states()).hasSize(1);
    assertThat(run("convert", onnx, out, "--state", "cache=kept", "--verify", vectors).err())
        .contains("has 2 inputs a step, the model reads 1");
    // Tensors under the names of a graph's values are not read.
    new WeightsWriter()
        .tensor("x", new float[] {1, -2}, 1, 2)
        .tensor("y", new float[] {10, -19}, 1, 2)
        .tensor("z", new float[] {1, 2}, 1, 2)
        .write(vectors);
    assertThat(
            run(
                    "convert",
                    onnx,
                    out,
                    "--shape",
                    "x=1,1,2",
                    "--state",
                    "cache=kept",
                    "--verify",
                    vectors)
                .err())
        .contains("of several inputs or outputs join the rows, in the order of the model")
        .hasLineCount(1);
    assertThat(run("convert", onnx, out, "--state", "cache=kept").out())
        .contains(
            "input \"x\": the model's input of this name, 1 value a step; sizes that the file leaves")
        .contains("open count as 1 (--shape says others)");
    Outcome words = run("convert", onnx, out, "--shape", "x=1,one");
    assertThat(words.code()).isEqualTo(1);
    assertThat(words.err()).contains("--shape x=1,one: expected whole numbers").hasLineCount(1);
    assertThat(run("convert", onnx, out, "--shape", "x=1,99999999999").err())
        .contains("each from 1 to 2147483647, such as --shape x=1,576")
        .hasLineCount(1);
    assertThat(run("convert", onnx, out, "--shape", "x=0,3").err())
        .contains("has a size below 1; say how many values one call reads")
        .hasLineCount(1);
    assertThat(run("convert", onnx, out, "--shape", "v=1").err())
        .contains("the graph has no input \"v\"; it has [x, cache]");
  }

  @Test
  void anOnnxGraphIsTakenWholeOrByNode() throws IOException {
    Path onnx = folder.resolve("net.onnx");
    Files.write(onnx, ChainCases.classifierAtEveryStep().model().toByteArray());
    Outcome whole = run("convert", onnx, out);
    assertThat(whole.code()).as(whole.err()).isZero();
    assertThat(whole.out()).contains("not verified: give --verify FILE");
    Model model = Model.load(out);
    assertThat(model.layers()).hasSizeGreaterThan(1);
    Outcome one = run("convert", onnx, out, "--node", model.layers().get(0).name());
    assertThat(one.code()).as(one.err()).isZero();
    assertThat(Model.load(out).layers()).hasSize(1);
    assertThat(run("convert", onnx, out, "--node", "nowhere").err()).contains("nowhere");
  }

  @Test
  void everyOutputAndStateOfAGraphIsSaid() throws IOException {
    Path onnx = folder.resolve("net.onnx");
    Files.write(onnx, RecurrentSpec.of("GRU").with("initial_h").toCase().model().toByteArray());
    assertThat(run("convert", onnx, out).out().lines())
        .startsWith(
            "input \"X\": what the model reads, 4 values a step",
            "input \"initial_h\": state gru_Y_Y_h.h, to set; zero after a reset; output \"Y_h\""
                + " gives it back in the same places",
            "output \"Y\": the answer of layer gru_Y_Y_h, at every step",
            "output \"Y_h\": state gru_Y_Y_h.h",
            "state \"gru_Y_Y_h.h\": zero after a reset, or set as the input \"initial_h\" says");
    JsonNode report =
        JsonMapper.builder().build().readTree(run("convert", onnx, out, "--json").out());
    assertThat(report.get("kind").textValue()).isEqualTo("onnx");
    assertThat(report.get("answer").textValue()).isEqualTo("every_step");
    assertThat(report.get("verified").booleanValue()).isFalse();
    assertThat(report.get("layers")).hasSize(1);
    assertThat(report.get("accounts")).hasSize(5);
    JsonNode state = report.get("accounts").get(3);
    assertThat(state.get("part").textValue()).isEqualTo("output");
    assertThat(state.get("name").textValue()).isEqualTo("Y_h");
    assertThat(state.get("states").get(0).textValue()).isEqualTo("gru_Y_Y_h.h");
    Outcome one = run("convert", onnx, out, "--node", "gru_Y_Y_h");
    assertThat(one.out()).contains("output \"Y_h\": state gru_Y_Y_h.h");
  }

  @Test
  void aGraphThatAnswersAtItsLastStepSaysSo() throws IOException {
    Path onnx = folder.resolve("net.onnx");
    Files.write(onnx, chain("last state, forward").model().toByteArray());
    assertThat(run("convert", onnx, out).out()).contains("answers at its last step only");
    Files.write(onnx, chain("last state, reverse").model().toByteArray());
    assertThat(run("convert", onnx, out).out()).contains("answers at its first step only");
  }

  private static GeneratedCase chain(String name) {
    return ChainCases.all().stream().filter(c -> c.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void jsonHasTheProof() throws IOException {
    Outcome outcome =
        run(
            "convert",
            state,
            out,
            "--layers",
            "gru:rnn",
            "--ignore",
            "head",
            "--verify",
            vectors,
            "--json");
    JsonNode report = JsonMapper.builder().build().readTree(outcome.out());
    assertThat(report.get("kind").textValue()).isEqualTo("pytorch");
    assertThat(report.get("unused").get(0).textValue()).isEqualTo("head.weight");
    assertThat(report.get("verified").booleanValue()).isTrue();
    assertThat(report.get("tolerance").doubleValue()).isEqualTo(1e-5);
    assertThat(report.get("largest_error").doubleValue()).isLessThan(1e-5);
    assertThat(report.get("bytes_written").longValue()).isEqualTo(Files.size(out));
  }

  @Test
  void aWeightThatNoLayerUsesIsRefused() throws IOException {
    Outcome outcome = run("convert", state, out, "--layers", "gru:rnn");
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err())
        .contains("the network is likely incomplete, since no layer uses head (a Linear")
        .contains("--ignore head")
        .hasLineCount(1);
    assertThat(out).doesNotExist();
    outcome = run("convert", state, out, "--layers", "gru:rnn", "--ignore", "haed");
    assertThat(outcome.err()).contains("nothing to ignore: no tensor haed");
  }

  @Test
  void whatWasFoundAndFoldedIsSaid() throws IOException {
    new WeightsWriter()
        .metadata("format", "pt")
        .metadata("_orig_mod.tied.weight", "_orig_mod.emb.weight")
        .tensor("_orig_mod.emb.weight", new float[] {1, 2}, 2, 1)
        .tensor("_orig_mod.fc.bias", new float[] {3, 4}, 2)
        .tensor("_orig_mod.fc2.weight_g", new float[] {3}, 1, 1)
        .tensor("_orig_mod.fc2.weight_v", new float[] {3, 4}, 1, 2)
        .write(state);
    Outcome outcome =
        run(
            "convert",
            state,
            out,
            "--layers",
            "emb, linear:fc, linear:fc2, relu",
            "--tie",
            "_orig_mod.fc.weight=_orig_mod.emb.weight");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .contains("embedding:emb is read from _orig_mod.emb")
        .contains("_orig_mod.fc.weight is tied to _orig_mod.emb.weight")
        .contains("_orig_mod.fc2.weight: weight norm is folded");
    Dense last = (Dense) Model.load(out).layers().getLast();
    assertThat(last.w().toArray()).containsExactly(1.8f, 2.4f);
    assertThat(last.activation()).isEqualTo(Activation.RELU);
    try (WeightsFile file = WeightsFile.open(out)) {
      assertThat(file.metadata())
          .containsEntry("format", "pt")
          .doesNotContainKey("_orig_mod.tied.weight");
    }
  }

  @Test
  void jsonTakesActivationsAndBatchNorms() throws IOException {
    new WeightsWriter()
        .tensor("a.weight", new float[] {1, 2}, 2, 1)
        .tensor("n.running_mean", new float[] {1, 0}, 2)
        .tensor("n.running_var", new float[] {3, 0}, 2)
        .write(state);
    Path network =
        json(
            """
            {"version": 1, "layers": [
              {"type": "dense", "module": "a"},
              {"type": "batch_norm", "module": "n", "options": ["eps=1"]},
              {"type": "activation", "activation": [["clamp", 0, 3]]},
              {"type": "activation", "activation": "softmax", "name": "end"}]}
            """);
    Outcome outcome = run("convert", state, out, "--layers", network, "--json");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    JsonNode report = JsonMapper.builder().build().readTree(outcome.out());
    assertThat(report.get("remarks"))
        .extracting(JsonNode::textValue)
        .containsExactly(
            "n is folded into a before it",
            "end has no dense layer before it, so it is one, with the identity of 2 x 2");
    Dense first = (Dense) Model.load(out).layers().getFirst();
    assertThat(first.w().toArray()).containsExactly(0.5f, 2);
    assertThat(first.b().toArray()).containsExactly(-0.5f, 0);
    assertThat(Model.load(out).layers()).extracting(Layer::name).containsExactly("a", "end");
    json(
        "{\"version\": 1, \"layers\": [{\"type\": \"dense\", \"module\": \"a\"}, {\"type\": \"activation\"}]}");
    assertThat(run("convert", state, out, "--layers", network).err())
        .contains("layer 1 of a network of modules: missing fields [activation]");
  }

  @Test
  void whatIsLeftOutOrTiedIsOfStateDicts() throws IOException {
    for (String[] option : new String[][] {{"--ignore", "a"}, {"--tie", "a=b"}}) {
      Outcome outcome = run("convert", state, out, option[0], option[1]);
      assertThat(outcome.code()).isEqualTo(2);
      assertThat(outcome.err()).contains("--ignore and --tie are for PyTorch state dicts");
    }
  }

  private Path json(String text) throws IOException {
    return Files.writeString(folder.resolve("network.json"), text);
  }

  @Test
  void modulesNamedInJsonAreThoseOfTheLine() throws IOException {
    assertThat(run("convert", state, out, "--layers", "gru:rnn, linear:head:relu").code()).isZero();
    Path same = folder.resolve("same.safetensors");
    Path network =
        json(
            """
            {"version": 1, "layers": [
              {"type": "gru", "module": "rnn"},
              {"type": "dense", "module": "head", "activation": "relu"}]}
            """);
    Outcome outcome = run("convert", state, same, "--layers", network);
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(same).hasSameBinaryContentAs(out);
  }

  @Test
  void jsonSaysWhatTheLineCannot() throws IOException {
    Path network =
        json(
            """
            {"version": 1, "vocabulary": "a", "layers": [
              {"type": "gru", "module": "rnn", "name": "encoder"},
              {"type": "dense", "module": "head", "activation": [["affine", 2, 0], ["tanh", 0, 0]]}]}
            """);
    assertThat(run("convert", state, out, "--layers", network).code()).isZero();
    Model model = Model.load(out);
    assertThat(model.vocabulary().orElseThrow().characters()).isEqualTo("a");
    assertThat(model.layers()).extracting(Layer::name).containsExactly("encoder", "head");
    assertThat(((Dense) model.layers().get(1)).activation())
        .isEqualTo(
            Activation.LINEAR
                .then(Activation.Function.AFFINE, 2, 0)
                .then(Activation.Function.TANH, 0, 0));
    assertThat(run("convert", state, out, "--layers", network, "--vocabulary", "b").err())
        .contains("it is the field \"vocabulary\"");
  }

  @Test
  void jsonDescribesTensorsThatAreNamedAsInAWeightsFile() throws IOException {
    Path tensors = folder.resolve("tensors.safetensors");
    new WeightsWriter()
        .tensor("a.W", new float[] {1, 2}, 2, 1)
        .tensor("a.b", new float[] {3, 4}, 2)
        .write(tensors);
    Path network =
        json(
            """
            {"version": 1, "layers": [
              {"type": "dense", "name": "a", "inputs": 1, "units": 2, "activation": "linear"}]}
            """);
    Outcome outcome = run("convert", tensors, out, "--layers", network);
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(Model.load(out).layers().get(0).tensors().get("W").toArray()).containsExactly(1, 2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"version\": 1|cannot be read as JSON",
        "{\"version\": 2, \"layers\": []}|format version 2 is not known",
        "{\"version\": 1, \"layers\": {}}|\"layers\" is not an array",
        "{\"version\": 1, \"layers\": [{\"type\": \"gru\", \"module\": \"rnn\", \"units\": 1}]}"
            + "|layer 0 of a network of modules: missing fields [], unknown fields [units]",
        "{\"version\": 1, \"layers\": [{\"type\": \"gru\", \"module\": 3}]}"
            + "|layer 0: \"module\" is not a string: 3",
        "{\"version\": 1, \"layers\": [{\"type\": \"gru\", \"module\": \"a\"}, {\"type\": \"gru\"}]}"
            + "|layer 1 of a network of modules: missing fields [module]",
        "{\"version\": 1, \"layers\": [{\"type\": \"conditional_gru\", \"module\": \"rnn\"}]}"
            + "|layer rnn: \"type\" is \"conditional_gru\", which is not imported from PyTorch",
        "{\"version\": 1, \"layers\": [{\"type\": \"sru\", \"module\": \"rnn\", \"options\":"
            + " \"no_skip\"}]}|layer 0: \"options\" is no list",
        "{\"version\": 1, \"layers\": [{\"type\": \"sru\", \"module\": \"rnn\", \"options\":"
            + " [\"both\"]}]}|\"both\" is no option of an sru",
        "{\"version\": 1, \"layers\": [{\"type\": \"gru\", \"module\": \"rnn\", \"options\":"
            + " [\"no_skip\"]}]}|gru:rnn: only sru takes [no_skip]",
        "{\"version\": 1, \"layers\": [{\"type\": \"gru\", \"name\": \"rnn\"}]}"
            + "|missing fields [inputs, units]",
      })
  void jsonThatIsWrongIsRefusedByFieldAndFile(String text, String message) throws IOException {
    Path network = json(text);
    Outcome outcome = run("convert", state, out, "--layers", network);
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err()).contains(network + ": ").contains(message).hasLineCount(1);
    assertThat(out).doesNotExist();
  }

  @Test
  void jsonThatIsMissingOrNoTextIsRefused() throws IOException {
    Path network = folder.resolve("network.json");
    assertThat(run("convert", state, out, "--layers", network).err()).contains("network.json");
    Files.write(network, new byte[] {'{', (byte) 0xff, '}'});
    assertThat(run("convert", state, out, "--layers", network).err())
        .contains("network.json: is not encoded in UTF-8");
  }

  @Test
  void aToleranceThatProvesNothingIsRefused() throws IOException {
    for (String tolerance : List.of("Infinity", "NaN", "-1", "1", "1e30")) {
      Outcome outcome =
          run(
              "convert",
              state,
              out,
              "--layers",
              "gru:rnn",
              "--verify",
              vectors,
              "--tolerance",
              tolerance);
      assertThat(outcome.code()).as(tolerance).isEqualTo(2);
      assertThat(outcome.err()).contains("--tolerance must be a number above 0 and below 1");
    }
    assertThat(out).doesNotExist();
    // What a file says of itself is held to the same.
    assertThat(
            run(
                    "convert",
                    state,
                    out,
                    "--layers",
                    "gru:rnn",
                    "--ignore",
                    "head",
                    "--verify",
                    vectors)
                .code())
        .isZero();
    byte[] bytes = Files.readAllBytes(out);
    byte[] text = "\"1.0E-5\"".getBytes(StandardCharsets.UTF_8);
    int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("\"1.0E-5\"");
    assertThat(at).isPositive();
    System.arraycopy("\"1.0E+5\"".getBytes(StandardCharsets.UTF_8), 0, bytes, at, text.length);
    Files.write(out, bytes);
    Path again = folder.resolve("again.safetensors");
    Outcome outcome = run("convert", out, again);
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err()).contains("out.safetensors");
    assertThat(again).doesNotExist();
  }

  @Test
  void aFileOfAnotherNameIsKnownByItsFirstBytes() throws IOException {
    Path model = folder.resolve("net.model");
    Files.write(model, ChainCases.classifierAtEveryStep().model().toByteArray());
    assertThat(run("convert", model, out).out()).contains("output \"P\": the answer of layer");
    Files.copy(state, model, StandardCopyOption.REPLACE_EXISTING);
    assertThat(run("convert", model, out, "--layers", "gru:rnn", "--ignore", "head").code())
        .isZero();
    Path zip = Files.write(folder.resolve("zip.onnx"), new byte[] {'P', 'K', 3, 4, 20, 0, 0, 0});
    assertThat(run("convert", zip, out).err())
        .startsWith("stillgate: " + zip + ": ")
        .hasLineCount(1);
  }

  @Test
  void optionsOfOneFormatAreRefusedForAnother() throws IOException {
    assertThat(run("convert", state, out, "--node", "rnn").err()).contains("--node is for .onnx");
    Path onnx = Files.write(folder.resolve("net.onnx"), new byte[] {1, 2, 3});
    assertThat(run("convert", onnx, out, "--layers", "gru:rnn").err())
        .contains("--layers and --vocabulary are for PyTorch");
    Outcome broken = run("convert", onnx, out);
    assertThat(broken.code()).isEqualTo(1);
    assertThat(broken.err()).contains("net.onnx");
    assertThat(run("convert", folder.resolve("none.onnx"), out).err()).contains("no such file");
  }

  @Test
  void aStateDictNeedsItsLayersNamed() {
    Outcome outcome = run("convert", state, out);
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err().strip())
        .contains("describes no network")
        .contains("--layers")
        .doesNotContain("\n");
  }

  @Test
  void vectorsThatAreNoneAreRefused() throws IOException {
    new WeightsWriter().tensor("input", X, X.length, 1).write(vectors);
    Outcome outcome =
        run("convert", state, out, "--layers", "gru:rnn", "--ignore", "head", "--verify", vectors);
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err()).contains("vectors.safetensors").contains("expected \"output\"");
    new WeightsWriter()
        .tensor("input", new float[] {1, 2}, 1, 2)
        .tensor("output", new float[] {1}, 1, 1)
        .write(vectors);
    outcome =
        run("convert", state, out, "--layers", "gru:rnn", "--ignore", "head", "--verify", vectors);
    assertThat(outcome.err()).contains("input has 2 values, the model reads 1");
    assertThat(Files.exists(out)).isFalse();
  }
}
