package io.github.stillgate.core.session;

/** A network did not give the outputs it was proved with. The message says where. */
public final class ProofFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Says {@code message}. */
  public ProofFailedException(String message) {
    super(message);
  }
}
