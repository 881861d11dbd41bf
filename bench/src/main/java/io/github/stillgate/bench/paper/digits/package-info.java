/**
 * Ordinary GRUs that spot spoken digits in running audio: how good, how fast and how much a stream
 * with pauses moves, by the size of the network and the format of its weights. {@code
 * training/pytorch/digits.py} trains them and leaves the streams.
 */
@NullMarked
package io.github.stillgate.bench.paper.digits;

import org.jspecify.annotations.NullMarked;
