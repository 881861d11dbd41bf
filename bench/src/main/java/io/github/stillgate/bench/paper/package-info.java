/** The papers' tables and figures, trained and measured again: a package for each paper. */
@NullMarked
package io.github.stillgate.bench.paper;

import org.jspecify.annotations.NullMarked;
