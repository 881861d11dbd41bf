/**
 * Networks from elsewhere as {@link io.github.stillgate.core.model.Model}s.
 *
 * <p>Files stack the gates of a layer in one matrix, each maker in an order of its own, and z means
 * one thing here and the opposite there. {@link io.github.stillgate.importers.GruOrder}, {@link
 * io.github.stillgate.importers.LstmOrder} and {@link
 * io.github.stillgate.importers.UpdateConvention} say which.
 */
@NullMarked
package io.github.stillgate.importers;

import org.jspecify.annotations.NullMarked;
