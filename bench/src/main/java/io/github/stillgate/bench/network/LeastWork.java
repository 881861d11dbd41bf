package io.github.stillgate.bench.network;

import io.github.stillgate.core.model.Along;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.MatrixProduct;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.PerPosition;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.WeightedSum;

/**
 * What one step of a network has to do at least.
 *
 * @param bytes float32 weights, each read once
 * @param multiplyAdds products that are summed
 */
record LeastWork(long bytes, long multiplyAdds) {
  static LeastWork of(Model model) {
    long bytes = 0;
    long multiplyAdds = 0;
    for (Layer layer : model.layers()) {
      bytes += 4 * weights(layer);
      multiplyAdds += multiplyAdds(layer);
    }
    return new LeastWork(bytes, multiplyAdds);
  }

  private static long multiplyAdds(Layer layer) {
    return switch (layer) {
      case Positions positions -> positions.positions() * weights(positions);
      case Along along -> along.positions() * weights(along.layer());
      case PerPosition positions -> positions.positions() * weights(positions.layer());
      case WeightedSum sum -> (long) sum.terms() * sum.width();
      case MatrixProduct product -> (long) product.rows() * product.inner() * product.columns();
      default -> weights(layer);
    };
  }

  /** Those of matrices, so that biases do not count. */
  private static long weights(Layer layer) {
    long weights = 0;
    for (Matrix matrix : layer.tensors().values()) {
      weights += matrix.columns() > 1 ? (long) matrix.rows() * matrix.columns() : 0;
    }
    return weights;
  }
}
