/**
 * What approximate skipping ({@link io.github.stillgate.core.plan.Skipping#below}) costs and saves
 * on a user's data, and estimates of gates that make it cheaper. A {@link
 * io.github.stillgate.tuning.Sweep} compares runs over {@link
 * io.github.stillgate.tuning.TuningData} with the exact one; {@link
 * io.github.stillgate.tuning.Estimates} makes the estimates. {@link
 * io.github.stillgate.tuning.DenseEstimates} turns dense layers with relu into estimated ones, and
 * a {@link io.github.stillgate.tuning.DenseSweep} shows what that costs and saves. {@link
 * io.github.stillgate.tuning.MovedSweep} does it for thresholds of movement in int8, of which
 * {@link io.github.stillgate.tuning.MovedRule} chooses one.
 *
 * <p>int8: {@link io.github.stillgate.tuning.Int8Calibration} finds scales on data, and {@link
 * io.github.stillgate.tuning.LayerError} tells how far a quantised network is from the one before.
 *
 * <p>Sparse networks: {@link io.github.stillgate.tuning.Pruning} removes what nothing reads, {@link
 * io.github.stillgate.tuning.PruningProof} shows that it was nothing else, and {@link
 * io.github.stillgate.tuning.LayerStructure} counts what is left.
 */
@NullMarked
package io.github.stillgate.tuning;

import org.jspecify.annotations.NullMarked;
