package io.github.stillgate.importers;

import java.nio.file.Path;

/**
 * A file that is whole and holds a network which nothing here computes. The message names the file
 * and the part, and says what to do.
 */
public class UnsupportedNetworkException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  /** A network of {@code file} that {@code problem} says of why it is not taken. */
  public UnsupportedNetworkException(Path file, String problem) {
    super(file + ": " + problem);
  }
}
