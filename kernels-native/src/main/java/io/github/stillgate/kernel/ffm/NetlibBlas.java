package io.github.stillgate.kernel.ffm;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.ludovic.netlib.blas.JavaBLAS;
import java.lang.foreign.MemorySegment;

/**
 * Products by dev.ludovic.netlib in Java, an optional dependency; its own choice would be whatever
 * {@code libblas.so.3} is, on any number of threads. It knows heap arrays and column-major order
 * only, so a row-major matrix is its transpose there and every product copies its operands.
 */
final class NetlibBlas {
  private NetlibBlas() {}

  /**
   * Whether the dependency is there; asking does not initialise it, which looks for a libblas.so.3.
   */
  static boolean isPresent() {
    try {
      Class.forName("dev.ludovic.netlib.blas.JavaBLAS", false, NetlibBlas.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException absent) {
      return false;
    }
  }

  static void sgemv(int rows, int columns, MemorySegment a, MemorySegment x, MemorySegment y) {
    float[] product = new float[rows];
    JavaBLAS.getInstance()
        .sgemv(
            "T",
            columns,
            rows,
            1f,
            a.asSlice(0, 4L * rows * columns).toArray(JAVA_FLOAT),
            columns,
            x.asSlice(0, 4L * columns).toArray(JAVA_FLOAT),
            1,
            0f,
            product,
            1);
    MemorySegment.copy(product, 0, y, JAVA_FLOAT, 0, rows);
  }

  /** Column-major, C^T = B A^T: B^T and A are what netlib sees. */
  static void sgemm(
      int vectors, int rows, int width, MemorySegment a, MemorySegment b, MemorySegment c) {
    float[] product = new float[vectors * rows];
    JavaBLAS.getInstance()
        .sgemm(
            "T",
            "N",
            rows,
            vectors,
            width,
            1f,
            b.asSlice(0, 4L * rows * width).toArray(JAVA_FLOAT),
            width,
            a.asSlice(0, 4L * vectors * width).toArray(JAVA_FLOAT),
            width,
            0f,
            product,
            rows);
    MemorySegment.copy(product, 0, c, JAVA_FLOAT, 0, product.length);
  }
}
