/**
 * One step of one stream in many runtimes: {@code ./stillgate bench peers}. Rows ({@link
 * io.github.stillgate.bench.step.Row}) of one width take turns of some milliseconds in one JVM, on
 * one thread, and every step is timed by itself, so that tails show.
 */
@NullMarked
package io.github.stillgate.bench.step;

import org.jspecify.annotations.NullMarked;
