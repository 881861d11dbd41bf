/**
 * Numerics that change a network or look at it: removal of what nothing reads, counts of gates and
 * weights, estimates of gates, their calibration, and sweeps that tell what approximate skipping
 * costs and saves on a user's data.
 */
module io.github.stillgate.tuning {
  requires transitive io.github.stillgate.core;
  requires ejml.core;
  requires ejml.ddense;
  requires static transitive org.jspecify;

  exports io.github.stillgate.tuning;
}
