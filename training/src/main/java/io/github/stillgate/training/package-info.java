/**
 * Training of character models with DJL on PyTorch, and their export as weights files.
 *
 * <p>Everything here runs over whole batches with autograd; nothing of it is needed to run a model.
 */
@NullMarked
package io.github.stillgate.training;

import org.jspecify.annotations.NullMarked;
