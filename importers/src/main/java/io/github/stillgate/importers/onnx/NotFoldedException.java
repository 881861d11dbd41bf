package io.github.stillgate.importers.onnx;

/**
 * A node whose outputs cannot be known before anything runs. It does not leave {@link Folding},
 * which keeps the reason for whoever needs the value.
 */
final class NotFoldedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NotFoldedException(String reason) {
    super(reason, null, false, false);
  }
}
