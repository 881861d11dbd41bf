package io.github.stillgate.importers.onnx;

import java.nio.file.Path;

/**
 * A file may be valid ONNX, but this library cannot compute it. The message names the file and the
 * node, what is not supported and what is.
 */
public final class UnsupportedOnnxException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What of {@code file} is not supported. */
  public UnsupportedOnnxException(Path file, String problem) {
    super(file + ": " + OneLine.of(problem));
  }

  /**
   * This, which keeps a file from being a chain of layers, and what keeps it from being a graph.
   */
  UnsupportedOnnxException andNot(Path file, UnsupportedOnnxException graph) {
    String prefix = file + ": ";
    String own = String.valueOf(getMessage()).substring(prefix.length());
    String other = String.valueOf(graph.getMessage()).substring(prefix.length());
    return own.equals(other)
        ? this
        : new UnsupportedOnnxException(
            file, "as a chain of layers: %s; as a graph of layers: %s".formatted(own, other));
  }
}
