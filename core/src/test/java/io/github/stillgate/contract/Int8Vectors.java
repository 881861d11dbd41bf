package io.github.stillgate.contract;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.WeightsFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;

/**
 * Three dense layers and the bits of their int8 plans; {@code int8/golden.py} wrote them, in plain
 * integers.
 */
final class Int8Vectors {
  private Int8Vectors() {}

  /** The network, with scales for the operands of its first two layers. */
  static Model network() {
    try {
      return Model.load(file("network"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@code input}, or the outputs under a rule of movement. */
  static float[][] vectors(String name) {
    try (WeightsFile weights = WeightsFile.open(file("vectors"))) {
      float[] values = weights.tensor(name).toFloats();
      int width = (int) weights.tensor(name).shape()[1];
      float[][] vectors = new float[values.length / width][width];
      for (int i = 0; i < values.length; i++) {
        vectors[i / width][i % width] = values[i];
      }
      return vectors;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Copied, since it may lie in a jar. */
  private static Path file(String part) {
    String resource = "/int8/%s.safetensors".formatted(part);
    try (InputStream in = Int8Vectors.class.getResourceAsStream(resource)) {
      Path copy = Files.createTempFile("stillgate-int8", ".safetensors");
      copy.toFile().deleteOnExit();
      Files.copy(Objects.requireNonNull(in, resource), copy, StandardCopyOption.REPLACE_EXISTING);
      return copy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
