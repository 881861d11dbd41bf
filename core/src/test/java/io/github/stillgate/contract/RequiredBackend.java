package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import io.github.stillgate.core.kernel.Availability;
import io.github.stillgate.core.kernel.Backend;

/**
 * Decides whether a backend's tests run. {@code
 * -Dstillgate.require=reference,vector:256-bit,native:avx2} lists backends, each with its tier if
 * that matters, that must answer: a missing one fails the build instead of skipping its tests.
 */
final class RequiredBackend {
  private RequiredBackend() {}

  static void check(Backend backend) {
    String required = System.getProperty("stillgate.require", "");
    for (String entry : required.split(",")) {
      String[] parts = entry.strip().split(":");
      if (parts[0].equals(backend.name())) {
        if (backend.availability() instanceof Availability.Unusable unusable) {
          fail("backend %s is required but cannot run: %s".formatted(backend.name(), unusable));
        }
        if (parts.length > 1) {
          assertThat(backend.availability().usableTier())
              .as("tier of required backend %s", backend.name())
              .contains(parts[1]);
        }
        return;
      }
    }
    if (backend.availability() instanceof Availability.Unusable unusable) {
      abort("backend %s cannot run: %s".formatted(backend.name(), unusable));
    }
  }
}
