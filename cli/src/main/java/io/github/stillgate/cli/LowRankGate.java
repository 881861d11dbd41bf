package io.github.stillgate.cli;

import io.github.stillgate.core.model.GateEstimate;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.SingularOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/**
 * The singular value decomposition of one layer's gate, {@code [Wz Uz] = U S V'}: cut after k
 * values it is the closest matrix of rank k (Davis, 2016, section 3.2).
 */
final class LowRankGate {
  private final Gru layer;
  private final DMatrixRMaj u;
  private final DMatrixRMaj s;
  private final DMatrixRMaj v;

  /** Decomposes the gate. */
  LowRankGate(Gru layer) {
    this.layer = layer;
    int d = layer.inputs();
    int n = layer.outputs();
    DMatrixRMaj gate = new DMatrixRMaj(n, d + n);
    for (int row = 0; row < n; row++) {
      for (int column = 0; column < d + n; column++) {
        gate.set(
            row,
            column,
            column < d ? layer.z().w().at(row, column) : layer.z().u().at(row, column - d));
      }
    }
    SingularValueDecomposition_F64<DMatrixRMaj> svd =
        DecompositionFactory_DDRM.svd(n, d + n, true, true, true);
    if (!svd.decompose(gate)) {
      throw new IllegalStateException(
          "layer %s: the singular value decomposition of [Wz Uz] did not converge"
              .formatted(layer.name()));
    }
    this.u = svd.getU(null, false);
    this.s = svd.getW(null);
    this.v = svd.getV(null, false);
    SingularOps_DDRM.descendingOrder(u, false, s, v, false);
  }

  /**
   * {@code up = U}, {@code [wDown uDown] = S V'}, cut after {@code rank} values, correction 0.
   *
   * @throws IllegalArgumentException if the layer has fewer units than that
   */
  GateEstimate estimate(int rank) {
    int d = layer.inputs();
    int n = layer.outputs();
    if (rank < 1 || rank > n) {
      throw new IllegalArgumentException(
          "rank %s; layer %s has %s units, so give one from 1 to %s"
              .formatted(rank, layer.name(), n, n));
    }
    float[] w = new float[rank * d];
    float[] h = new float[rank * n];
    float[] up = new float[n * rank];
    for (int k = 0; k < rank; k++) {
      for (int i = 0; i < d; i++) {
        w[k * d + i] = (float) (s.get(k, k) * v.get(i, k));
      }
      for (int i = 0; i < n; i++) {
        h[k * n + i] = (float) (s.get(k, k) * v.get(d + i, k));
        up[i * rank + k] = (float) u.get(i, k);
      }
    }
    String name = layer.name() + ".estimate.";
    return new GateEstimate(
        Matrix.of(name + "W", rank, d, w),
        Matrix.of(name + "U", rank, n, h),
        Matrix.of(name + "V", n, rank, up),
        0);
  }
}
