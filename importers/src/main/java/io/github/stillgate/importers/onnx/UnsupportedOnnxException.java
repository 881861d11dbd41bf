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
}
