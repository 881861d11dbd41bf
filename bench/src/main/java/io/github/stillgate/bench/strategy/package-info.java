/**
 * Ways to multiply only what is live: our packs, and those of the conditional GRU paper (listings
 * A.1 to A.3) over every BLAS that is here, against dense products by the same BLAS.
 */
@NullMarked
package io.github.stillgate.bench.strategy;

import org.jspecify.annotations.NullMarked;
