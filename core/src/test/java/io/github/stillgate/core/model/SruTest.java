package io.github.stillgate.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.contract.SruVectors;
import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SruTest {
  private static final Matrix W = Matrix.of("W", 4, 3, new float[12]);
  private static final Matrix SQUARE = Matrix.of("square", 4, 4, new float[16]);
  private static final Matrix V = Matrix.vector("v", new float[4]);

  @TempDir private Path folder;

  private static Sru.Gate gate(Matrix w) {
    return new Sru.Gate(w, Optional.of(V), V);
  }

  private static Sru sru(Matrix w, Sru.Gate forget, Sru.Highway highway) {
    return new Sru("rnn", w, forget, highway, Activation.LINEAR);
  }

  @Test
  void tensorsAreThoseThatTheHighwayNeeds() {
    assertThat(sru(SQUARE, gate(SQUARE), new Sru.Highway.FromInput(gate(SQUARE), 1)).tensors())
        .containsOnlyKeys("W", "Wf", "vf", "bf", "Wr", "vr", "br");
    assertThat(sru(W, gate(W), new Sru.Highway.FromMatrix(gate(W), W)).tensors())
        .containsOnlyKeys("W", "Wf", "vf", "bf", "Wr", "vr", "br", "Wh");
    assertThat(sru(W, gate(W), new Sru.Highway.None()).tensors())
        .containsOnlyKeys("W", "Wf", "vf", "bf");
    Sru.Gate blind = new Sru.Gate(W, Optional.empty(), V);
    Sru layer = sru(W, blind, new Sru.Highway.GateOnly(blind));
    assertThat(layer.tensors()).containsOnlyKeys("W", "Wf", "bf", "Wr", "br");
    assertThat(layer.isRecurrent()).isFalse();
    assertThat(layer.inputs()).isEqualTo(3);
    assertThat(layer.outputs()).isEqualTo(4);
  }

  @Test
  void whatDoesNotFitIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> sru(W, gate(W), new Sru.Highway.FromInput(gate(W), 1)))
        .withMessage(
            "layer rnn: the highway adds the 3 inputs to 4 units; they must be as many, or the highway"
                + " needs a matrix");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> sru(W, gate(SQUARE), new Sru.Highway.None()))
        .withMessageContaining("square is 4 x 4, expected 4 x 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> sru(W, gate(W), new Sru.Highway.GateOnly(gate(SQUARE))))
        .withMessageContaining("square is 4 x 4, expected 4 x 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> sru(W, gate(W), new Sru.Highway.FromMatrix(gate(W), SQUARE)))
        .withMessageContaining("square is 4 x 4, expected 4 x 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Sru.Gate(W, Optional.of(Matrix.vector("vf", 1, 2, 3)), V))
        .withMessageContaining("vf is a vector of 3, expected a vector of 4");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Sru.Gate(W, Optional.empty(), Matrix.vector("bf", 1)))
        .withMessageContaining("bf is a vector of 1, expected a vector of 4");
    Sru.Gate blind = new Sru.Gate(W, Optional.empty(), V);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> sru(W, gate(W), new Sru.Highway.GateOnly(blind)))
        .withMessageContaining("one gate sees the cells and the other does not");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Sru.Highway.FromInput(gate(SQUARE), Float.NaN))
        .withMessageContaining("scale is NaN");
  }

  @Test
  void aFileHoldsEachForm() throws IOException {
    Path path = folder.resolve("model.safetensors");
    for (Model model : List.of(TestModels.sru(9, 7, 3), TestModels.sruDirections(5, 4, 3))) {
      model.save(path);
      assertThat(Model.load(path).layers()).isEqualTo(model.layers());
    }
  }

  /** Files of another program, by the description of the format alone. */
  @Test
  void anotherProgramsFilesAreRead() {
    Sru paper = (Sru) SruVectors.network("paper").layers().get(0);
    assertThat(paper.highway()).isInstanceOf(Sru.Highway.FromInput.class);
    Sru bare = (Sru) SruVectors.network("no-highway-no-v-tanh").layers().get(0);
    assertThat(bare.highway()).isEqualTo(new Sru.Highway.None());
    assertThat(bare.isRecurrent()).isFalse();
    assertThat(bare.activation()).isEqualTo(Activation.TANH);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      textBlock =
          """
          "skip":"gate"                       ; skip "gate" is not known (known: input, matrix, none)
          "skip":"matrix","scale":2           ; "scale" belongs to "skip": "input"
          "skip":"matrix","reset_gate":false  ; "reset_gate" belongs to "skip": "none"
          "skip":"input","scale":"2"          ; "scale" is "2"; expected a number
          "skip":"input","scale":1e39         ; scale is Infinity
          "skip":"none","recurrent":0         ; "recurrent" is 0; expected true or false
          "skip":"none","activation":"softmax"; cannot stand inside a recurrent layer
          "scale":2                           ; missing fields [skip]
          "skip":3                            ; layer a: "skip" is not a string: 3
          """)
  void aDescriptionThatIsWrongIsRefused(String fields, String message) throws IOException {
    String layer =
        "{\"version\":1,\"layers\":[{\"type\":\"sru\",\"name\":\"a\",\"inputs\":4,\"units\":4,%s}]}"
            .formatted(fields);
    WeightsWriter writer = new WeightsWriter().metadata("stillgate", layer);
    for (String matrix : List.of("W", "Wf", "Wr", "Wh")) {
      writer.tensor("a." + matrix, new float[16], 4, 4);
    }
    for (String vector : List.of("vf", "bf", "vr", "br")) {
      writer.tensor("a." + vector, new float[4], 4);
    }
    Path path = folder.resolve("wrong.safetensors");
    writer.write(path);
    assertThatThrownBy(() -> Model.load(path))
        .isInstanceOf(WeightsFormatException.class)
        .hasMessageContaining(message);
  }
}
