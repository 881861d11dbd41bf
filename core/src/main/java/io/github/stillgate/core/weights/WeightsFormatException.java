package io.github.stillgate.core.weights;

import java.nio.file.Path;

/**
 * A weights file cannot be trusted: truncated, inconsistent, or not a network this library knows.
 * The message names the file, the tensor or field, and the numbers that do not fit.
 */
public final class WeightsFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A defect of {@code file} described by {@code problem}. */
  public WeightsFormatException(Path file, String problem) {
    super(file + ": " + problem);
  }

  /** A defect of {@code file} described by {@code problem}, found through {@code cause}. */
  public WeightsFormatException(Path file, String problem, Throwable cause) {
    super(file + ": " + problem, cause);
  }
}
