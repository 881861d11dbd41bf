package io.github.stillgate.contract;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;

/**
 * Three estimated dense layers and what numpy computes with them in float64; {@code
 * conditional_dense/golden.py} wrote them.
 */
final class ConditionalDenseVectors {
  private ConditionalDenseVectors() {}

  /** The network. */
  static Model network() {
    try {
      return Model.load(file("network"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Its inputs and outputs. */
  static ProofVectors vectors() {
    return SruVectors.vectors(file("vectors"));
  }

  /** Copied, since it may lie in a jar. */
  private static Path file(String part) {
    String resource = "/conditional_dense/%s.safetensors".formatted(part);
    try (InputStream in = ConditionalDenseVectors.class.getResourceAsStream(resource)) {
      Path copy = Files.createTempFile("stillgate-conditional-dense", ".safetensors");
      copy.toFile().deleteOnExit();
      Files.copy(Objects.requireNonNull(in, resource), copy, StandardCopyOption.REPLACE_EXISTING);
      return copy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
