package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import io.github.stillgate.core.model.Layer;
import org.jspecify.annotations.Nullable;

/**
 * One trainable recurrent layer. Matrices are (in, out) here, so that a batch multiplies from the
 * left, and those that share an input stand side by side as one.
 */
sealed interface RecurrentLayer permits ConditionalGruLayer, DenseGruLayer {

  /**
   * Runs the layer over a window.
   *
   * @param x inputs, (steps * batch, d), time-major
   * @param h state before the window, (batch, n)
   * @param training normalise by the batch and update the population statistics
   * @param gates receives one (batch, n) mask of live units per step, or null
   * @return states after each step, (steps * batch, n)
   */
  NDArray run(NDArray x, NDArray h, boolean training, @Nullable NDList gates);

  /** The same layer for one stream, normalisation folded into its weights. */
  Layer export(String name);
}
