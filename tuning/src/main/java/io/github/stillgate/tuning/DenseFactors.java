package io.github.stillgate.tuning;

import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Matrix;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.SingularOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.QRDecomposition;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;
import org.jspecify.annotations.Nullable;

/**
 * The leading part of the singular value decomposition of a dense layer's matrix, h x d:
 *
 * <pre>
 *   W ~ P S Q'        P: h x k,  S: k x k, diagonal, descending,  Q: d x k
 * </pre>
 *
 * <p>which is the closest matrix of rank k in the sum of squares (Eckart and Young; as an estimator
 * of activations: Davis, 2016, section 3.1). It is found by subspace iteration: k random directions
 * and a few more are multiplied by W W' and made orthonormal until what they hold of W grows no
 * more. That takes a time that grows with h d k, not with h d min(h, d) as the whole decomposition
 * does (ten seconds for 1000 x 784 with this library); where many values are wanted, the whole one
 * is made. The same numbers come out in every run. Immutable, and safe for several threads.
 */
public final class DenseFactors {
  /** Directions beside those that are wanted, which let the last of these converge. */
  private static final int MORE = 8;

  /** Rounds in any case, and at most. */
  private static final int FEW_ROUNDS = 6;

  private static final int MOST_ROUNDS = 60;

  /** Relative growth of what the directions hold of the sum of squares that ends it. */
  private static final double STILL = 1e-7;

  private final Dense layer;
  private final DMatrixRMaj p;
  private final double[] s;
  private final DMatrixRMaj q;

  private DenseFactors(Dense layer, DMatrixRMaj p, double[] s, DMatrixRMaj q) {
    this.layer = layer;
    this.p = p;
    this.s = s;
    this.q = q;
  }

  /**
   * Decomposes a layer's matrix.
   *
   * @param rank k, how many singular values are wanted
   * @throws IllegalArgumentException if the rank is not from 1 to the smaller one of d and h
   * @throws IllegalStateException if the decomposition does not converge
   */
  public static DenseFactors of(Dense layer, int rank) {
    int most = Math.min(layer.inputs(), layer.outputs());
    if (rank < 1 || rank > most) {
      throw new IllegalArgumentException(
          "rank %d; layer %s is %d x %d, so give one from 1 to %d"
              .formatted(rank, layer.name(), layer.outputs(), layer.inputs(), most));
    }
    DMatrixRMaj w = copy(layer.w());
    return 4 * (rank + MORE) >= most
        ? cut(layer, decompose(layer, w), null, rank)
        : iterate(layer, w, rank);
  }

  private static DMatrixRMaj copy(Matrix matrix) {
    DMatrixRMaj copy = new DMatrixRMaj(matrix.rows(), matrix.columns());
    float[] row = new float[matrix.columns()];
    for (int i = 0; i < matrix.rows(); i++) {
      matrix.copyRow(i, row, 0);
      for (int j = 0; j < row.length; j++) {
        copy.set(i, j, row[j]);
      }
    }
    return copy;
  }

  private static DenseFactors iterate(Dense layer, DMatrixRMaj w, int rank) {
    int width = rank + MORE;
    DMatrixRMaj right = random(w.numCols, width);
    DMatrixRMaj left = new DMatrixRMaj(w.numRows, width);
    DMatrixRMaj back = new DMatrixRMaj(w.numCols, width);
    double held = 0;
    for (int round = 0; ; round++) {
      CommonOps_DDRM.mult(w, right, left);
      left = orthonormal(left);
      CommonOps_DDRM.multTransA(w, left, back);
      double norm = NormOps_DDRM.normF(back);
      double holds = norm * norm;
      boolean still = holds <= held * (1 + STILL);
      if (round >= MOST_ROUNDS || (round >= FEW_ROUNDS && still)) {
        break;
      }
      held = holds;
      right = orthonormal(back);
    }
    // W ~ left left' W, and left' W is a small matrix: back, transposed.
    return cut(layer, decompose(layer, back), left, rank);
  }

  private static DMatrixRMaj random(int rows, int columns) {
    SplittableRandom random = new SplittableRandom(20160521);
    DMatrixRMaj matrix = new DMatrixRMaj(rows, columns);
    Arrays.setAll(matrix.data, _ -> random.nextGaussian());
    return matrix;
  }

  private static DMatrixRMaj orthonormal(DMatrixRMaj columns) {
    QRDecomposition<DMatrixRMaj> qr =
        DecompositionFactory_DDRM.qr(columns.numRows, columns.numCols);
    if (!qr.decompose(columns.copy())) {
      throw new IllegalStateException("the QR decomposition failed");
    }
    return qr.getQ(null, true);
  }

  private record Whole(DMatrixRMaj p, DMatrixRMaj s, DMatrixRMaj q) {}

  private static Whole decompose(Dense layer, DMatrixRMaj matrix) {
    SingularValueDecomposition_F64<DMatrixRMaj> svd =
        DecompositionFactory_DDRM.svd(matrix.numRows, matrix.numCols, true, true, true);
    if (!svd.decompose(matrix.copy())) {
      throw new IllegalStateException(
          "layer %s: the singular value decomposition of W did not converge"
              .formatted(layer.name()));
    }
    DMatrixRMaj p = svd.getU(null, false);
    DMatrixRMaj s = svd.getW(null);
    DMatrixRMaj q = svd.getV(null, false);
    SingularOps_DDRM.descendingOrder(p, false, s, q, false);
    return new Whole(p, s, q);
  }

  /**
   * The first {@code rank} values.
   *
   * @param left if it is there, the decomposition is of {@code W' left}
   */
  private static DenseFactors cut(Dense layer, Whole whole, @Nullable DMatrixRMaj left, int rank) {
    double[] values = new double[rank];
    Arrays.setAll(values, i -> whole.s().get(i, i));
    if (left == null) {
      return new DenseFactors(layer, whole.p(), values, whole.q());
    }
    DMatrixRMaj p = new DMatrixRMaj(left.numRows, whole.q().numCols);
    CommonOps_DDRM.mult(left, whole.q(), p);
    return new DenseFactors(layer, p, values, whole.p());
  }

  /** k, the number of values. */
  public int rank() {
    return s.length;
  }

  /** The k largest singular values, descending. */
  public double[] singularValues() {
    return s.clone();
  }

  /**
   * The layer behind an estimate: {@code V = S Q'}, {@code U = P}, {@code e = b - tau}.
   *
   * @throws IllegalArgumentException if tau is not finite
   */
  public ConditionalDense estimated(float tau) {
    int d = layer.inputs();
    int h = layer.outputs();
    int k = rank();
    float[] v = new float[k * d];
    float[] u = new float[h * k];
    float[] e = layer.b().toArray();
    for (int j = 0; j < k; j++) {
      for (int i = 0; i < d; i++) {
        v[j * d + i] = (float) (s[j] * q.get(i, j));
      }
      for (int i = 0; i < h; i++) {
        u[i * k + j] = (float) p.get(i, j);
      }
    }
    for (int i = 0; i < h; i++) {
      e[i] -= tau;
    }
    return new ConditionalDense(
        layer.name(),
        new ConditionalDense.Estimate(
            Matrix.of(layer.name() + ".V", k, d, v),
            Matrix.of(layer.name() + ".U", h, k, u),
            Matrix.vector(layer.name() + ".e", e)),
        layer.w(),
        layer.b());
  }
}
