package io.github.stillgate.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConditionalDenseTest {
  private static final Matrix V = Matrix.of("V", 2, 3, new float[6]);
  private static final Matrix U = Matrix.of("U", 4, 2, new float[8]);
  private static final Matrix W = Matrix.of("W", 4, 3, new float[12]);
  private static final Matrix OTHER = Matrix.of("other", 5, 5, new float[25]);
  private static final Matrix B = Matrix.vector("b", new float[4]);

  @TempDir private Path folder;

  private static ConditionalDense layer(Matrix v, Matrix u, Matrix e, Matrix w, Matrix b) {
    return new ConditionalDense("a", new ConditionalDense.Estimate(v, u, e), w, b);
  }

  @Test
  void itsWidthsAreThoseOfTheDenseLayer() {
    ConditionalDense layer = layer(V, U, B, W, B);
    assertThat(layer.inputs()).isEqualTo(3);
    assertThat(layer.outputs()).isEqualTo(4);
    assertThat(layer.estimate().rank()).isEqualTo(2);
    assertThat(layer.tensors()).containsOnlyKeys("V", "U", "e", "W", "b");
  }

  @Test
  void whatDoesNotFitIsRefused() {
    refused("other is 5 x 5, expected 5 x 3", OTHER, Matrix.of("U", 4, 5, new float[20]), B, W, B);
    refused("other is 5 x 5, expected 5 x 2", V, OTHER, B, W, B);
    refused("e is a vector of 3, expected a vector of 4", V, U, vector("e", 3), W, B);
    refused("V is 2 x 3, expected 2 x 5", V, U, B, Matrix.of("W", 4, 5, new float[20]), B);
    refused("b is a vector of 3, expected a vector of 4", V, U, B, W, vector("b", 3));
    refused("v is a vector of 3, expected", vector("v", 3), U, B, W, B);
    refused("w is a vector of 4, expected", V, U, B, vector("w", 4), B);
  }

  private static Matrix vector(String name, int length) {
    return Matrix.vector(name, new float[length]);
  }

  private static void refused(String reason, Matrix v, Matrix u, Matrix e, Matrix w, Matrix b) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> layer(v, u, e, w, b))
        .withMessageContaining(reason);
  }

  @Test
  void itIsReadAsItWasWritten() throws Exception {
    Model model = TestModels.conditionalDense(5, 7, 2, 1);
    Path file = folder.resolve("net.safetensors");
    model.save(file);
    assertThat(Model.load(file).layers()).isEqualTo(model.layers());
    try (WeightsFile opened = WeightsFile.open(file)) {
      assertThat(opened.metadata().get("stillgate"))
          .contains(
              "{\"type\":\"conditional_dense\",\"name\":\"hidden0\",\"inputs\":5,\"units\":7,\"rank\":2}");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'\"rank\": 3'             | a.V has shape [2, 3], the description makes it [3, 3]",
        "'\"rank\": 0'             | \"rank\" is 0; expected a whole number from 1 on",
        "'\"rang\": 2'             | rank",
        "'\"rank\": 2, \"tau\": 0' | tau"
      })
  void aDescriptionThatDoesNotFitTheTensorsIsRefused(String rank, String reason) throws Exception {
    Path file = folder.resolve("bad.safetensors");
    new WeightsWriter()
        .metadata(
            "stillgate",
            "{\"version\": 1, \"layers\": [{\"type\": \"conditional_dense\", \"name\": \"a\","
                + " \"inputs\": 3, \"units\": 4, %s}]}".formatted(rank))
        .tensor("a.V", new float[6], 2, 3)
        .tensor("a.U", new float[8], 4, 2)
        .tensor("a.e", new float[4], 4)
        .tensor("a.W", new float[12], 4, 3)
        .tensor("a.b", new float[4], 4)
        .write(file);
    assertThatThrownBy(() -> Model.load(file))
        .isInstanceOf(WeightsFormatException.class)
        .hasMessageContaining(reason);
  }
}
