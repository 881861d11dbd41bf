package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.NetworkOfModules;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.torch.LayerRequest;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A network description in a file of its own, whose name begins all messages about it.
 *
 * @param path the file
 * @param text its JSON
 * @param modules what it says of another program's modules; empty if it describes the tensors of a
 *     weights file
 */
record NetworkJson(Path path, String text, Optional<NetworkOfModules> modules) {
  /** More than any description that is read takes in UTF-8. */
  private static final long MAX_BYTES = 1 << 23;

  /**
   * Reads the file.
   *
   * @throws IllegalArgumentException if it is too long, not in UTF-8, or no description
   * @throws IOException if it cannot be read
   */
  static NetworkJson read(Path path) throws IOException {
    if (Files.size(path) > MAX_BYTES) {
      throw new IllegalArgumentException(
          "%s: has %d bytes; a network description of at most %d is read"
              .formatted(path, Files.size(path), MAX_BYTES));
    }
    String text;
    try {
      text = Files.readString(path);
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(path + ": is not encoded in UTF-8", e);
    }
    return new NetworkJson(path, text, named(path, () -> NetworkOfModules.parse(text)));
  }

  /** What is asked of a PyTorch state dict. */
  List<LayerRequest> requests() {
    return named(path, () -> LayerRequest.of(modules.orElseThrow()));
  }

  /** The network it makes of the tensors of {@code file}. */
  Model model(WeightsFile file) {
    return named(path, () -> Model.from(file, text));
  }

  private static <T> T named(Path path, Supplier<T> reading) {
    try {
      return reading.get();
    } catch (IllegalArgumentException | WeightsFormatException e) {
      throw new IllegalArgumentException(path + ": " + e.getMessage(), e);
    }
  }
}
