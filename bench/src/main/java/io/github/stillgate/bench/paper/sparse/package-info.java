/**
 * Structured sparsification of gated recurrent networks (Lobacheva, Chirkova, Markovich and
 * Vetrov): its tables and figures, measured again.
 */
@NullMarked
package io.github.stillgate.bench.paper.sparse;

import org.jspecify.annotations.NullMarked;
