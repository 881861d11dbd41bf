/**
 * Single steps of ordinary layers beside other runtimes': {@code ./stillgate bench peers}. Every
 * contender steps in the same JVM, in turns, and every step is timed, so that tails show.
 */
@NullMarked
package io.github.stillgate.bench.peer;

import org.jspecify.annotations.NullMarked;
