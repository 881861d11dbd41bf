package io.github.stillgate.tuning;

import io.github.stillgate.core.model.GateEstimate;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.SingularOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/**
 * The factors that estimates of one layer's gate are cut out of, by the singular value
 * decomposition
 *
 * <pre>
 *   [Wz Uz] = P S Q'        P: n x n,  S: n x n, diagonal, descending,  Q: (d + n) x n
 * </pre>
 *
 * <p>Cut after k values it is the closest matrix of rank k in the sum of squares (Eckart and Young;
 * as an estimator of activations: Davis, 2016, section 3.2). The decomposition takes a time that
 * grows with n^2 (d + n) and is made once for all ranks. Immutable, and safe for several threads.
 */
public final class EstimateFactors {
  private final Gru layer;
  private final DMatrixRMaj p;
  private final DMatrixRMaj s;
  private final DMatrixRMaj q;

  /**
   * Decomposes the gate.
   *
   * @throws IllegalStateException if the decomposition does not converge
   */
  public EstimateFactors(Gru layer) {
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
    this.p = svd.getU(null, false);
    this.s = svd.getW(null);
    this.q = svd.getV(null, false);
    SingularOps_DDRM.descendingOrder(p, false, s, q, false);
  }

  /**
   * {@code up = P}, n x k, and {@code [wDown uDown] = S Q'}, k x d and k x n, cut after k = {@code
   * rank} values; the correction is 0.
   *
   * @throws IllegalArgumentException if the rank is not from 1 to the units of the layer
   */
  public GateEstimate estimate(int rank) {
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
        w[k * d + i] = (float) (s.get(k, k) * q.get(i, k));
      }
      for (int i = 0; i < n; i++) {
        h[k * n + i] = (float) (s.get(k, k) * q.get(d + i, k));
        up[i * rank + k] = (float) p.get(i, k);
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
