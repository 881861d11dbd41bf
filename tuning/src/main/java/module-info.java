/**
 * Numerics that change a network or look at it: removal of what nothing reads, counts of gates and
 * weights, estimates of gates and of dense layers, their calibration, scales for int8, and sweeps
 * that tell what skipping costs and saves on a user's data.
 */
module io.github.stillgate.tuning {
  requires transitive io.github.stillgate.core;
  requires ejml.core;
  requires ejml.ddense;
  requires static transitive org.jspecify;

  exports io.github.stillgate.tuning;
}
