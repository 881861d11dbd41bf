/**
 * Numerics that fit a network to a user's data: estimates of gates and of dense layers, their
 * calibration, and sweeps that tell what skipping costs and saves.
 */
module io.github.stillgate.tuning {
  requires transitive io.github.stillgate.core;
  requires ejml.core;
  requires ejml.ddense;
  requires static transitive org.jspecify;

  exports io.github.stillgate.tuning;
}
