package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.ActiveSet;

/** A run in which every unit is live in every step. */
abstract class UngatedRun implements Stage.Run {
  private final int units;
  private final ActiveSet all;

  UngatedRun(int units, ActiveSet all) {
    this.units = units;
    this.all = all;
  }

  @Override
  public int units() {
    return units;
  }

  @Override
  public int liveUnits() {
    return units;
  }

  @Override
  public long bytesRead() {
    long bytes = 0;
    for (int phase = 0; phase < phases(); phase++) {
      bytes += sums(phase).bytesRead();
    }
    return bytes;
  }

  @Override
  public int phases() {
    return 1;
  }

  @Override
  public ActiveSet groups(int phase) {
    return all;
  }

  @Override
  public boolean fixedGroups(int phase) {
    return true;
  }
}
