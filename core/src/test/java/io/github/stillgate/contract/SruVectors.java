package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.weights.WeightsFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Objects;

/** SRU networks and what numpy computes with them in float64; {@code sru/golden.py} wrote them. */
public final class SruVectors {
  /** The networks, each a folder. */
  public static final List<String> NAMES =
      List.of(
          "paper",
          "matrix-tanh",
          "scaled-selu",
          "no-v",
          "gate-only-relu",
          "no-highway",
          "no-highway-no-v-tanh",
          "stack",
          "tokens",
          "directions");

  private SruVectors() {}

  /** The network of that name. */
  public static Model network(String name) {
    try {
      return Model.load(file(SruVectors.class, name, "network"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Its inputs and outputs. */
  public static ProofVectors vectors(String name) {
    return vectors(file(SruVectors.class, name, "vectors"));
  }

  /** The cases of a file. */
  public static ProofVectors vectors(Path path) {
    try (WeightsFile file = WeightsFile.open(path)) {
      return ProofVectors.read(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A file of the folder {@code sru/name} on the class path of {@code test}, copied, since it may
   * lie in a jar.
   */
  public static Path file(Class<?> test, String name, String part) {
    String resource = "/sru/%s/%s.safetensors".formatted(name, part);
    try (InputStream in = test.getResourceAsStream(resource)) {
      Path copy = Files.createTempFile("stillgate-sru", ".safetensors");
      copy.toFile().deleteOnExit();
      Files.copy(Objects.requireNonNull(in, resource), copy, StandardCopyOption.REPLACE_EXISTING);
      return copy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Requires that the equations in float64 have the outputs, which are rounded to float32. */
  public static void assertFloat64Agrees(Model model, ProofVectors vectors) {
    for (ProofVectors.Case c : vectors.cases()) {
      double[][] inputs = new double[c.output().length][model.inputs()];
      for (int t = 0; t < inputs.length; t++) {
        for (int i = 0; i < inputs[t].length; i++) {
          inputs[t][i] =
              c.tokens().isPresent() ? (c.tokens().get()[t] == i ? 1 : 0) : c.input()[t][i];
        }
      }
      double[][] outputs = Float64Model.sequence(model, inputs);
      for (int t = 0; t < outputs.length; t++) {
        for (int i = 0; i < outputs[t].length; i++) {
          assertThat(outputs[t][i])
              .as("case \"%s\", step %d, output %d", c.name(), t, i)
              .isCloseTo(c.output()[t][i], within(1e-7 * Math.max(1, Math.abs(outputs[t][i]))));
        }
      }
    }
  }
}
