/** Plots as SVG, for the commands and the benchmarks. */
@NullMarked
package io.github.stillgate.cli.plot;

import org.jspecify.annotations.NullMarked;
