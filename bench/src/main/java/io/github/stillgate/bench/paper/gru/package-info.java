/** The conditional GRU paper's tables and curves, trained and measured again. */
@NullMarked
package io.github.stillgate.bench.paper.gru;

import org.jspecify.annotations.NullMarked;
