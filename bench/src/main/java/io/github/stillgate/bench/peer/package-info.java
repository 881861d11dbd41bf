/**
 * Single steps of ordinary layers beside other runtimes', for one stream and for many together:
 * {@code ./stillgate bench peers}. Every contender steps in the same JVM, in turns, on one thread,
 * and every step is timed, so that tails show. Kinds of layers are entries of {@link
 * io.github.stillgate.bench.peer.LayerKind#ALL}.
 */
@NullMarked
package io.github.stillgate.bench.peer;

import org.jspecify.annotations.NullMarked;
