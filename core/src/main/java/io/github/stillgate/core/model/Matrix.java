package io.github.stillgate.core.model;

import io.github.stillgate.core.kernel.Int8;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.Tensor;
import java.util.Arrays;

/**
 * An immutable, finite matrix of float32 values, (out, in) and row-major as in the papers, or a
 * vector, which has one column.
 *
 * <p>NaN and infinite weights are refused here, so none exists in any matrix. Weights of a bf16
 * file stay in its 2 bytes each and are widened where they are read, which is exact; those of an
 * int8 file stay in 1 byte and are a row's scale times an integer, rounded once. {@link #dtype}
 * says how they are held. Nothing else depends on it, but for {@link #rowScale}.
 *
 * <p>Any thread may use it.
 */
public final class Matrix {
  private static final int CHUNK = 1 << 12;

  /** Elements in row-major order. */
  private sealed interface Elements {
    DType type();

    int size();

    float at(int i);

    void copy(int from, int count, float[] to, int at);
  }

  private record Floats(float[] values) implements Elements {
    @Override
    public DType type() {
      return DType.F32;
    }

    @Override
    public int size() {
      return values.length;
    }

    @Override
    public float at(int i) {
      return values[i];
    }

    @Override
    public void copy(int from, int count, float[] to, int at) {
      System.arraycopy(values, from, to, at, count);
    }
  }

  /** The upper halves of float32 values whose lower halves are 0. */
  private record Bfloat16s(short[] halves) implements Elements {
    @Override
    public DType type() {
      return DType.BF16;
    }

    @Override
    public int size() {
      return halves.length;
    }

    @Override
    public float at(int i) {
      return Float.intBitsToFloat(halves[i] << 16);
    }

    @Override
    public void copy(int from, int count, float[] to, int at) {
      for (int i = 0; i < count; i++) {
        to[at + i] = at(from + i);
      }
    }
  }

  /** Integers from -127 to 127 and a scale for each row. */
  private record Int8s(byte[] values, float[] scales) implements Elements {
    @Override
    public DType type() {
      return DType.I8;
    }

    @Override
    public int size() {
      return values.length;
    }

    private int columns() {
      return values.length / scales.length;
    }

    @Override
    public float at(int i) {
      return values[i] * scales[i / columns()];
    }

    @Override
    public void copy(int from, int count, float[] to, int at) {
      int columns = columns();
      int row = from / columns;
      int column = from % columns;
      for (int i = 0; i < count; i++) {
        to[at + i] = values[from + i] * scales[row];
        if (++column == columns) {
          column = 0;
          row++;
        }
      }
    }
  }

  private final String name;
  private final int rows;
  private final int columns;
  private final boolean vector;
  private final Elements elements;

  /** Keeps the elements, which nobody else may hold. */
  private Matrix(String name, int rows, int columns, boolean vector, Elements elements) {
    if (rows < 1 || columns < 1 || (long) rows * columns != elements.size()) {
      throw new IllegalArgumentException(
          "%s: a %d x %d matrix cannot hold %d values"
              .formatted(name, rows, columns, elements.size()));
    }
    for (int i = 0; i < elements.size(); i++) {
      if (!Float.isFinite(elements.at(i))) {
        throw new IllegalArgumentException(
            "%s: the weight at row %d, column %d is %s; weights must be finite"
                .formatted(name, i / columns, i % columns, elements.at(i)));
      }
    }
    this.name = name;
    this.rows = rows;
    this.columns = columns;
    this.vector = vector;
    this.elements = elements;
  }

  /**
   * A copy of {@code values} as a matrix.
   *
   * @throws IllegalArgumentException if the values do not fit the shape or one is not finite
   */
  public static Matrix of(String name, int rows, int columns, float... values) {
    return new Matrix(name, rows, columns, false, new Floats(values.clone()));
  }

  /** A copy of {@code values} as a vector; otherwise like {@link #of}. */
  public static Matrix vector(String name, float... values) {
    return new Matrix(name, values.length, 1, true, new Floats(values.clone()));
  }

  /**
   * The values of {@code tensor}, read once: BF16 stays as it is stored, F16 is widened. A tensor
   * of one dimension is a vector. The file may be closed afterwards.
   *
   * @throws IllegalArgumentException if the tensor has another number of dimensions than one or
   *     two, no element, more than {@link Tensor#MAX_ELEMENTS} or more than the heap holds, is not
   *     of type F32, BF16 or F16, or a value is not finite
   * @throws io.github.stillgate.core.weights.WeightsFormatException if the file has changed since
   *     it was opened
   */
  public static Matrix of(Tensor tensor) {
    long[] shape = tensor.shape();
    boolean vector = shape.length == 1;
    if (!vector && shape.length != 2 || tensor.elements() == 0) {
      throw new IllegalArgumentException(
          "tensor %s has shape %s; expected a matrix or a vector that is not empty"
              .formatted(tensor.name(), Arrays.toString(shape)));
    }
    Elements elements =
        tensor.type() == DType.BF16
            ? new Bfloat16s(tensor.toBfloat16s())
            : new Floats(tensor.toFloats());
    return new Matrix(
        tensor.name(),
        Math.toIntExact(shape[0]),
        vector ? 1 : Math.toIntExact(shape[1]),
        vector,
        elements);
  }

  /**
   * Integers and what each row of them is multiplied by, {@code w_ij = scale_i q_ij}, read once.
   *
   * @param integers of type I8, rows x columns
   * @param scales of a type that weights have, one a row
   * @throws IllegalArgumentException if the shapes do not fit, an integer is -128, a scale is not a
   *     number from 2^-107 to 2^121, or for one of the reasons of {@link #of(Tensor)}
   * @throws io.github.stillgate.core.weights.WeightsFormatException if the file has changed since
   *     it was opened
   */
  public static Matrix of(Tensor integers, Tensor scales) {
    long[] shape = integers.shape();
    if (shape.length != 2 || integers.elements() == 0) {
      throw new IllegalArgumentException(
          "tensor %s has shape %s; expected a matrix that is not empty"
              .formatted(integers.name(), Arrays.toString(shape)));
    }
    if (!Arrays.equals(scales.shape(), new long[] {shape[0]})) {
      throw new IllegalArgumentException(
          "tensor %s has shape %s; expected one scale for each of the %s rows of %s"
              .formatted(
                  scales.name(), Arrays.toString(scales.shape()), shape[0], integers.name()));
    }
    return int8(
        integers.name(),
        Math.toIntExact(shape[0]),
        Math.toIntExact(shape[1]),
        integers.toInt8s(),
        scales.toFloats());
  }

  /** Keeps the arrays, which nobody else may hold. */
  private static Matrix int8(String name, int rows, int columns, byte[] values, float[] scales) {
    for (int row = 0; row < rows; row++) {
      boolean isZero = true;
      for (int i = row * columns; i < (row + 1) * columns; i++) {
        if (values[i] < -Int8.LARGEST) {
          throw new IllegalArgumentException(
              "%s: the weight at row %d, column %d is %d; int8 weights are from -127 to 127"
                  .formatted(name, row, i % columns, values[i]));
        }
        isZero &= values[i] == 0;
      }
      Int8Scale.require("%s: the scale of row %d".formatted(name, row), scales[row]);
      // Whatever it is, it must not overflow where it multiplies sums of 0.
      scales[row] = isZero ? 1 : scales[row];
    }
    return new Matrix(name, rows, columns, false, new Int8s(values, scales));
  }

  /**
   * The same rounded to int8, row by row, as an int8 plan rounds: {@code scale = max |w| / 127}, or
   * 1 if that maximum is below 1e-30, and {@code q = rint(w (1 / scale))}. A matrix that is held as
   * int8 stays as it is.
   *
   * @throws IllegalArgumentException if a weight is beyond 127 * 2^121, or this is a vector
   */
  public Matrix toInt8() {
    if (elements instanceof Int8s) {
      return this;
    }
    if (vector) {
      throw new IllegalArgumentException(name + " is a vector, which stays as it is");
    }
    byte[] values = new byte[rows * columns];
    float[] scales = new float[rows];
    float[] row = new float[columns];
    for (int i = 0; i < rows; i++) {
      copyRow(i, row, 0);
      scales[i] = Int8.scale(Int8.largest(row));
      for (int column = 0; column < columns; column++) {
        values[i * columns + column] = (byte) Int8.round(row[column], 1 / scales[i]);
      }
    }
    return int8(name, rows, columns, values, scales);
  }

  /** The scale of a row that is held as int8, or 0: int8 plans multiply by these very numbers. */
  public float rowScale(int row) {
    return elements instanceof Int8s int8 ? int8.scales[row] : 0;
  }

  /** The scales of all rows, as a vector to write to a file. */
  Matrix rowScales() {
    return vector(name + ".scale", ((Int8s) elements).scales);
  }

  /** Like {@link #copy}, of the integers of a matrix that is held as int8. */
  void copyIntegers(int from, int count, float[] to, int at) {
    byte[] values = ((Int8s) elements).values;
    for (int i = 0; i < count; i++) {
      to[at + i] = values[from + i];
    }
  }

  /** Name for messages. */
  public String name() {
    return name;
  }

  /** Number of rows: outputs. */
  public int rows() {
    return rows;
  }

  /** Number of columns: inputs. */
  public int columns() {
    return columns;
  }

  /** Whether this is a vector: one dimension in a weights file. */
  public boolean isVector() {
    return vector;
  }

  /**
   * How the values are held: {@link DType#F32}, {@link DType#BF16} in 2 bytes each, or {@link
   * DType#I8} in 1.
   */
  public DType dtype() {
    return elements.type();
  }

  /** The element at {@code row}, {@code column}. */
  public float at(int row, int column) {
    return elements.at(row * columns + column);
  }

  /**
   * Copies row {@code row} to {@code to[at]} and the places after it.
   *
   * @throws IndexOutOfBoundsException if there is no such row or no room for its columns
   */
  public void copyRow(int row, float[] to, int at) {
    elements.copy(row * columns, columns, to, at);
  }

  /**
   * Copies {@code count} elements in row-major order, {@code from} the first, to {@code to[at]} and
   * the places after it.
   *
   * @throws IndexOutOfBoundsException if there are not so many or no room for them
   */
  public void copy(int from, int count, float[] to, int at) {
    elements.copy(from, count, to, at);
  }

  /** A row-major copy. */
  public float[] toArray() {
    float[] values = new float[elements.size()];
    elements.copy(0, values.length, values, 0);
    return values;
  }

  /** Whether every element of row {@code row} is 0 or -0. */
  public boolean isZeroRow(int row) {
    for (int i = row * columns; i < (row + 1) * columns; i++) {
      if (elements.at(i) != 0) {
        return false;
      }
    }
    return true;
  }

  /** The largest L1 norm of a row, in float64: what one unit of input can at most become. */
  public double rowNorm() {
    double largest = 0;
    for (int row = 0; row < rows; row++) {
      double norm = 0;
      for (int column = 0; column < columns; column++) {
        norm += Math.abs((double) at(row, column));
      }
      largest = Math.max(largest, norm);
    }
    return largest;
  }

  /** The largest magnitude of an element. */
  public double magnitude() {
    double largest = 0;
    for (int i = 0; i < elements.size(); i++) {
      largest = Math.max(largest, Math.abs(elements.at(i)));
    }
    return largest;
  }

  void requireShape(int expectedRows, int expectedColumns) {
    if (vector || rows != expectedRows || columns != expectedColumns) {
      throw new IllegalArgumentException(
          "%s, expected %d x %d".formatted(this, expectedRows, expectedColumns));
    }
  }

  void requireLength(int expected) {
    if (!vector || rows != expected) {
      throw new IllegalArgumentException("%s, expected a vector of %d".formatted(this, expected));
    }
  }

  /** Equal shape and values, bit for bit; names and {@link #dtype} do not count. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Matrix m
        && rows == m.rows
        && columns == m.columns
        && vector == m.vector
        && sameElements(m);
  }

  private boolean sameElements(Matrix other) {
    float[] mine = new float[CHUNK];
    float[] its = new float[CHUNK];
    for (int from = 0; from < elements.size(); from += CHUNK) {
      int count = Math.min(CHUNK, elements.size() - from);
      elements.copy(from, count, mine, 0);
      other.elements.copy(from, count, its, 0);
      if (!Arrays.equals(mine, 0, count, its, 0, count)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int hashCode() {
    int hash = 31 * rows + columns;
    for (int i = 0; i < elements.size(); i++) {
      hash = 31 * hash + Float.floatToRawIntBits(elements.at(i));
    }
    return hash;
  }

  @Override
  public String toString() {
    return vector
        ? "%s is a vector of %d".formatted(name, rows)
        : "%s is %d x %d".formatted(name, rows, columns);
  }
}
