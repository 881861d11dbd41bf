package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import org.jspecify.annotations.Nullable;

/**
 * One trainable recurrent layer. Matrices are (in, out) here, so that a batch multiplies from the
 * left, and those that share an input stand side by side as one.
 */
sealed interface RecurrentLayer permits ConditionalGruLayer, DenseGruLayer, LstmLayer, SruLayer {
  /**
   * What comes of a window.
   *
   * @param outputs after each step, (steps * batch, n), time-major
   * @param state after the last step, (batch, width of what the layer carries)
   */
  record Window(NDArray outputs, NDArray state) {
    /** Of a layer whose outputs are its states. */
    static Window ofStates(NDList states) {
      return new Window(NDArrays.concat(states, 0), states.get(states.size() - 1));
    }
  }

  /**
   * Runs the layer over a window.
   *
   * @param x inputs, (steps * batch, d), time-major
   * @param state before the window, (batch, width of what the layer carries)
   * @param training normalise by the batch and update the population statistics
   * @param live receives one mask of live gates per step, or null
   */
  Window run(NDArray x, NDArray state, boolean training, @Nullable NDList live);

  /** Called before each update, counted from 0. */
  default void beginUpdate(int update) {}

  /** What the last window adds to the loss beside its errors, or null. */
  default @Nullable NDArray penalty() {
    return null;
  }

  /** The same layer for one stream, normalisation folded into its weights. */
  Layer export(String name);

  /**
   * Takes over what an ordinary GRU has in common with this layer; the rest stays as it is.
   *
   * @throws IllegalArgumentException if it is of another width, or this layer has nothing to gain
   */
  void startFrom(Gru gru);
}
