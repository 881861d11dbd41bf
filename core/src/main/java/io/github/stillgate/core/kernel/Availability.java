package io.github.stillgate.core.kernel;

import java.util.Optional;

/**
 * Whether a backend can run here: it can, at a certain tier, or it cannot, for a reason that comes
 * with its cure.
 */
public sealed interface Availability {
  /**
   * The backend runs.
   *
   * @param tier instruction set or vector width in use, e.g. {@code avx512} or {@code 256-bit}
   */
  record Usable(String tier) implements Availability {}

  /**
   * The backend cannot run.
   *
   * @param reason what is missing
   * @param cure what the user can do about it
   */
  record Unusable(String reason, String cure) implements Availability {
    @Override
    public String toString() {
      return reason + "; " + cure;
    }
  }

  /** The backend runs at {@code tier}. */
  static Availability usable(String tier) {
    return new Usable(tier);
  }

  /** The backend cannot run for {@code reason}, and {@code cure} says what to do. */
  static Availability unusable(String reason, String cure) {
    return new Unusable(reason, cure);
  }

  /** Whether the backend runs. */
  default boolean isUsable() {
    return this instanceof Usable;
  }

  /** The tier in use, if usable. */
  default Optional<String> usableTier() {
    return this instanceof Usable(String tier) ? Optional.of(tier) : Optional.empty();
  }
}
