/**
 * Plans: a model packed for this CPU.
 *
 * <p>{@link io.github.stillgate.core.plan.Plan} is what users hold. {@link
 * io.github.stillgate.core.plan.StreamState} is what one stream owns under a plan; sessions are
 * built on it.
 */
@NullMarked
package io.github.stillgate.core.plan;

import org.jspecify.annotations.NullMarked;
