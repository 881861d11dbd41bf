package io.github.stillgate.core.kernel;

import java.lang.foreign.Arena;

/** Stands in the report for a provider that could not even be loaded. */
record BrokenBackend(String problem) implements Backend {
  @Override
  public String name() {
    return "(broken provider)";
  }

  @Override
  public int preference() {
    return Integer.MIN_VALUE;
  }

  @Override
  public Availability availability() {
    return Availability.unusable(
        "a provider failed to load: " + problem, "check that all Stillgate jars have one version");
  }

  @Override
  public Pack over(PackedWeights weights, Arena arena) {
    throw new UnsupportedOperationException(problem);
  }

  @Override
  public VectorOps vectors() {
    throw new UnsupportedOperationException(problem);
  }
}
