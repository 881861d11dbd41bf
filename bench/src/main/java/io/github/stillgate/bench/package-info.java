/**
 * Benchmarks. Each computes its bound in bytes before it runs; {@link
 * io.github.stillgate.bench.Bench} prints the share reached, from the read bandwidth measured in
 * the same run.
 */
@NullMarked
package io.github.stillgate.bench;

import org.jspecify.annotations.NullMarked;
