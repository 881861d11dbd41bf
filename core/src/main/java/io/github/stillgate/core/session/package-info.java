/**
 * Sessions: one live stream each or many in a batch, with the checks that stand between a user and
 * the kernels.
 */
@NullMarked
package io.github.stillgate.core.session;

import org.jspecify.annotations.NullMarked;
