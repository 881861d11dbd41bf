package io.github.stillgate.importers.onnx;

import java.nio.file.Path;

/**
 * A file is not what ONNX says it must be: truncated, inconsistent, of a wrong shape or type. The
 * message names the file and the node or tensor, what was found and what was expected.
 */
public final class OnnxFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A defect of {@code file} described by {@code problem}. */
  public OnnxFormatException(Path file, String problem) {
    super(file + ": " + OneLine.of(problem));
  }

  /** A defect of {@code file} described by {@code problem}, found through {@code cause}. */
  public OnnxFormatException(Path file, String problem, Throwable cause) {
    super(file + ": " + OneLine.of(problem), cause);
  }
}
