/**
 * How networks stand in files: one {@link io.github.stillgate.core.model.format.LayerFormat} for
 * each kind of layer, which reads it, describes it and says what it adds to a fingerprint.
 */
@NullMarked
package io.github.stillgate.core.model.format;

import org.jspecify.annotations.NullMarked;
