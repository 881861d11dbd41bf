package io.github.stillgate.bench.step;

/** What a row needs is not here; the message says what, and what brings it. */
public final class AbsentException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** With the reason. */
  public AbsentException(String reason) {
    super(reason);
  }
}
