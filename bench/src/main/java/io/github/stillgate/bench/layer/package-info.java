/**
 * Ordinary layers beside other runtimes': single steps of one stream and of many together, and
 * whole sequences: {@code ./stillgate bench layers}. Every contender runs in the same JVM, in
 * turns, on one thread, and every call is timed, so that tails show. Kinds of layers are entries of
 * {@link io.github.stillgate.bench.layer.LayerKind#ALL}.
 */
@NullMarked
package io.github.stillgate.bench.layer;

import org.jspecify.annotations.NullMarked;
