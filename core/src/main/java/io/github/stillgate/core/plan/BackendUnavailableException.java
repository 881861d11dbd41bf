package io.github.stillgate.core.plan;

/** A backend was demanded that is unknown or cannot run here. The message names the cure. */
public final class BackendUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Says {@code message}. */
  public BackendUnavailableException(String message) {
    super(message);
  }
}
