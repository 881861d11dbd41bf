package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.Availability;

/** A C library that is not used, for a reason that comes with its cure. */
final class LibraryRefusedException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String reason;
  private final String cure;

  LibraryRefusedException(String reason, String cure) {
    super(reason + "; " + cure);
    this.reason = reason;
    this.cure = cure;
  }

  Availability availability() {
    return Availability.unusable(reason, cure);
  }
}
