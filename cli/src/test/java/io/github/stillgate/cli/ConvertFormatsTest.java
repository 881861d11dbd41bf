package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.audio.WavEncoding;
import io.github.stillgate.audio.WavFormat;
import io.github.stillgate.audio.WavWriter;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.WeightsWriter;
import io.jhdf.HdfFile;
import io.jhdf.WritableHdfFile;
import io.jhdf.api.WritableGroup;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of other programs, told by their first bytes whatever their names. */
class ConvertFormatsTest {
  /** A dense layer {@code y = 2 x + 0.5}. */
  private static final String RTNEURAL =
      """
      {"in_shape":[null,null,1],"layers":[{"type":"dense","activation":"","shape":[null,null,1],
      "weights":[[[2]],[0.5]]}]}\
      """;

  private static final JsonMapper JSON = new JsonMapper();

  @TempDir private Path folder;

  private record Outcome(int code, String out, String err) {}

  private static Outcome run(Object... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Stillgate.commandLine()
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(Arrays.stream(args).map(Object::toString).toArray(String[]::new));
    return new Outcome(code, out.toString(), err.toString());
  }

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("model"), text);
  }

  private Path out() {
    return folder.resolve("out.safetensors");
  }

  /** An LSTM of one cell: 8 weights, 4 biases, h and c, and a head of two values. */
  private static String nam() {
    return "{\"architecture\":\"LSTM\",\"config\":{\"input_size\":1,\"hidden_size\":1,\"num_layers\":1},"
        + "\"weights\":"
        + IntStream.rangeClosed(1, 16)
            .mapToObj(Integer::toString)
            .collect(Collectors.joining(",", "[", "]"))
        + ",\"sample_rate\":44100}";
  }

  @Test
  void aNamBeginsInItsState() throws IOException {
    Outcome done = run("convert", file(nam()), out());
    assertThat(done.err()).isEmpty();
    assertThat(done.code()).isZero();
    assertThat(done.out())
        .contains("a step is one sample at 44100 Hz")
        .contains("input \"input\": 1 value a step")
        .contains("\": h 1, c 1")
        .containsPattern("output \".+\": 1 value a step")
        .contains("not verified: give --verify FILE");
    Model model = Model.load(out());
    assertThat(model.layers().getFirst().initialState().h().orElseThrow().at(0, 0)).isEqualTo(13);
    assertThat(run("inspect", out()).out()).contains("LSTM, begins in a state of its own");
  }

  @Test
  void jsonOfRtneural() throws IOException {
    Outcome done = run("convert", file(RTNEURAL), out(), "--json");
    assertThat(done.code()).isZero();
    JsonNode report = JSON.readTree(done.out());
    assertThat(report.get("kind").asText()).isEqualTo("rtneural");
    assertThat(report.get("remarks").isArray()).isTrue();
    assertThat(Model.load(out()).layers().getFirst().tensors().get("W").at(0, 0)).isEqualTo(2);
  }

  /** Layers of one unit each, of which the first reads two features with 64/256 and -32/256. */
  @Test
  void aModelOfRnnoise() throws IOException {
    String gru = " 1 0%n%s%n1 1 1%n1 1 1%n";
    Path path =
        file(
            ("rnnoise-nu model file version 1%n2 1 1%n64 -32%n64%n"
                    + ("1" + gru).formatted("1 1 1")
                    + ("4" + gru).formatted("1 1 1 ".repeat(4))
                    + ("4" + gru).formatted("1 1 1 ".repeat(4))
                    + "1 1 1%n1%n1%n"
                    + "1 1 1%n1%n1%n")
                .formatted());
    Outcome done = run("convert", path, out(), "--json");
    assertThat(done.err()).isEmpty();
    assertThat(JSON.readTree(done.out()).get("kind").asText()).isEqualTo("rnnoise");
    Model model = Model.load(out());
    assertThat(model.graph().outputs()).containsExactly("gains", "vad");
    assertThat(model.layers().getFirst().tensors().get("W").toArray())
        .containsExactly(0.25f, -0.125f);
    Files.delete(out());
    Files.writeString(path, Files.readString(path) + "7");
    refuses(path, "goes on behind its last layer, vad");
  }

  private static WeightsWriter zeros(WeightsWriter file, String name, int... shape) {
    return file.tensor(name, new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)], shape);
  }

  /** Weights of one channel and one cell everywhere, at 8 kHz. */
  @Test
  void weightsOfSileroAreAVoiceDetector() throws IOException {
    WeightsWriter file = new WeightsWriter();
    zeros(file, "stft_conv.weight", 130, 1, 128);
    for (int i = 1; i <= 4; i++) {
      zeros(file, "conv%d.weight".formatted(i), 1, i == 1 ? 65 : 1, 3);
      zeros(file, "conv%d.bias".formatted(i), 1);
    }
    zeros(file, "lstm_cell.weight_ih", 4, 1);
    zeros(file, "lstm_cell.weight_hh", 4, 1);
    zeros(file, "lstm_cell.bias_ih", 4);
    zeros(file, "lstm_cell.bias_hh", 4);
    zeros(file, "final_conv.weight", 1, 1, 1);
    Path path = folder.resolve("silero_vad_8k.safetensors");
    file.write(path);
    refuses(path, "lacks tensors of Silero VAD: final_conv.bias");
    zeros(file, "final_conv.bias", 1).write(path);
    Outcome done = run("convert", path, out());
    assertThat(done.err()).isEmpty();
    assertThat(done.out())
        .contains("input \"input\": 288 values a step")
        .contains("output \"output\": 1 value a step")
        .contains("state of layer \"lstm_cell\": h 1, c 1")
        .contains("one chunk of Silero VAD at 8000 Hz")
        .contains("not verified: give --verify FILE");
    assertThat(VoiceDetector.form(Model.load(out())))
        .isEqualTo(new VoiceDetector.Form(8000, 32, 256));
    Outcome again = run("convert", path, out(), "--json");
    assertThat(JSON.readTree(again.out()).get("kind").asText()).isEqualTo("silero");
    Path silence = folder.resolve("silence.wav");
    try (OutputStream wav = Files.newOutputStream(silence)) {
      WavWriter writer = new WavWriter(wav, new WavFormat(8000, 1, WavEncoding.PCM16), 4000);
      writer.write(new float[4000], 0, 4000);
      writer.finish();
    }
    Outcome heard = run("listen", "--vad", path, silence, "--json");
    assertThat(heard.code()).as(heard.err()).isZero();
  }

  @Test
  void aKerasModel() throws IOException {
    Path path = folder.resolve("model");
    try (WritableHdfFile file = HdfFile.write(path)) {
      file.putAttribute(
          "model_config",
          "{\"class_name\":\"Sequential\",\"config\":{\"layers\":[{\"class_name\":\"Dense\",\"config\":"
              + "{\"name\":\"out\",\"units\":1,\"activation\":\"tanh\"}}]}}");
      WritableGroup group = file.putGroup("model_weights").putGroup("out");
      group.putAttribute("weight_names", new String[] {"kernel", "bias"});
      group.putDataset("kernel", new float[][] {{2}});
      group.putDataset("bias", new float[] {0.5f});
    }
    assertThat(run("convert", path, out()).code()).isZero();
    assertThat(Model.load(out()).layers().getFirst().tensors().get("W").at(0, 0)).isEqualTo(2);
  }

  @Test
  void whatIsNotReadIsToldWithACure() throws IOException {
    refuses(
        file("rnnoise-nu model file version 1\n42 24 0\n"),
        "layer input_dense: its weights: the file ends behind 0 of 1008 values");
    refuses(
        file("PK\u0003\u0004" + "x".repeat(40)),
        "as torch.save writes",
        "save_file(torch.load(FILE, weights_only=True), OUT)");
    refuses(file("{\"a\": 1}"), "is JSON of no kind that is read: Neural Amp Modeler (.nam)");
    refuses(file(nam().replace("LSTM", "WaveNet")), "its architecture is WaveNet");
    Path hdf5 = Files.write(folder.resolve("model"), hex("894844460d0a1a0a0000000000080800"));
    refuses(hdf5, "is truncated or damaged: it cannot be read as HDF5");
    assertThat(run("inspect", file(nam())).err())
        .contains("is JSON text, as RTNeural and Neural Amp Modeler (.nam) write")
        .contains("./stillgate convert FILE OUT.safetensors");
  }

  private static byte[] hex(String bytes) {
    return HexFormat.of().parseHex(bytes);
  }

  private void refuses(Path path, String... parts) {
    Outcome outcome = run("convert", path, out());
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err()).contains(List.of(parts));
    assertThat(outcome.err().lines()).hasSize(1);
    assertThat(out()).doesNotExist();
  }

  @Test
  void optionsForOthersAreRefused() throws IOException {
    Outcome outcome = run("convert", file(RTNEURAL), out(), "--layers", "linear:out");
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err()).contains("says itself what its layers are").hasLineCount(1);
    assertThat(out()).doesNotExist();
  }
}
