package io.github.stillgate.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** How the state that streams begin in stands in a file, and what is refused there. */
class InitialStateFileTest extends ModelFiles {
  private static final String GRU = "\"units\":16";

  private static final float[] VALUES = {
    1, -1, 0.5f, 2.25f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1e-3f, -0.1f
  };

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "I8"})
  void savingKeepsItsBits(DType type) throws IOException {
    Model[] models = {
      TestModels.starting(TestModels.lstm(5, 9, 4, 1), 1.3, 2),
      TestModels.starting(TestModels.conditional(5, 9, 2, 3), 1.3, 4),
      TestModels.starting(TestModels.sru(5, 9, 5), 1.3, 6),
      TestModels.starting(TestModels.coupled(5, 9, 7), 1.3, 8),
      TestModels.starting(TestModels.bidirectional(5, 9, 9), 1.3, 10)
    };
    Path path = directory.resolve("state.safetensors");
    for (Model model : models) {
      model.save(path, type);
      Model loaded = Model.load(path);
      for (int i = 0; i < model.layers().size(); i++) {
        assertSameState(loaded.layers().get(i), model.layers().get(i));
      }
      try (WeightsFile file = WeightsFile.open(path)) {
        assertThat(file.tensors().values())
            .filteredOn(tensor -> tensor.name().contains(".initial."))
            .isNotEmpty()
            .allMatch(tensor -> tensor.type() == DType.F32);
      }
    }
  }

  private static void assertSameState(Layer loaded, Layer saved) {
    if (saved instanceof Bidirectional pair) {
      assertSameState(((Bidirectional) loaded).forward(), pair.forward());
      assertSameState(((Bidirectional) loaded).backward(), pair.backward());
    } else {
      assertThat(loaded.initialState()).isEqualTo(saved.initialState());
    }
  }

  /** Nothing of it stands in the file of a network that begins with zeros. */
  @Test
  void zerosAreNotWritten() throws IOException {
    assertThat(Files.readString(saved(), StandardCharsets.ISO_8859_1)).doesNotContain("initial");
  }

  @Test
  void aFileMayCarryOne() throws IOException {
    Map<String, Stored> tensors = tensors();
    tensors.put("b.initial.h", new Stored(new int[] {16}, VALUES));
    Path path = write(description().replace(GRU, GRU + ",\"initial_state\":[\"h\"]"), tensors);
    Model model = Model.load(path);
    assertThat(model.layers().get(1).initialState().h().orElseThrow().toArray()).isEqualTo(VALUES);
    assertThat(model.fingerprint()).isNotEqualTo(good().fingerprint());
    assertThat(model.layers().get(1).withInitialState(InitialState.ZERO))
        .isEqualTo(Model.load(saved()).layers().get(1));
  }

  static Stream<Arguments> wrong() {
    return Stream.of(
        argumentSet(
            "no list", GRU, "true", 16, 0, "layer b: \"initial_state\" is true; expected a list"),
        argumentSet("an empty list", GRU, "[]", 16, 0, "expected a list of \"h\", \"c\" or both"),
        argumentSet("a state twice", GRU, "[\"h\",\"h\"]", 16, 0, "expected a list"),
        argumentSet("a state of no kind", GRU, "[\"m\"]", 16, 0, "expected a list"),
        argumentSet("cells of a GRU", GRU, "[\"c\"]", 16, 0, "layer b keeps no cells"),
        argumentSet("no tensor", GRU, "[\"h\"]", 0, 0, "b.initial.h"),
        argumentSet(
            "another width",
            GRU,
            "[\"h\"]",
            15,
            0,
            "b.initial.h has shape [15], the description makes it [16]"),
        argumentSet(
            "NaN",
            GRU,
            "[\"h\"]",
            16,
            Float.NaN,
            "b.initial.h: the weight at row 0, column 0 is NaN"),
        argumentSet("infinity", GRU, "[\"h\"]", 16, Float.POSITIVE_INFINITY, "b.initial.h"),
        argumentSet(
            "a tensor nobody names", GRU, "", 16, 0, "no layer uses the tensors [b.initial.h]"),
        argumentSet("a layer without a state", "\"units\":4", "[\"h\"]", 16, 0, "c.initial.h"));
  }

  @ParameterizedTest
  @MethodSource("wrong")
  void whatIsWrongIsRefused(String after, String field, int width, float first, String message)
      throws IOException {
    Map<String, Stored> tensors = tensors();
    if (width > 0) {
      float[] values = new float[width];
      values[0] = first;
      tensors.put("b.initial.h", new Stored(new int[] {width}, values));
      if (field.contains("c")) {
        tensors.put("b.initial.c", new Stored(new int[] {width}, values));
      }
    }
    String description = description();
    String named = field.isEmpty() ? "" : ",\"initial_state\":" + field;
    assertThat(description).contains(after);
    Path path = write(description.replace(after, after + named), tensors);
    assertThatThrownBy(() -> Model.load(path)).hasMessageContaining(message);
  }
}
