package io.github.stillgate.kernel.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.stillgate.core.kernel.Availability;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * The BLAS of this machine, for dense baselines: its sums have an order of their own, so it never
 * serves a step.
 *
 * <p>{@code -Dstillgate.blas=NAME_OR_PATH} names a library; without it the usual names are tried,
 * and behind them stands netlib's pure Java. One thread, always: OpenBLAS and MKL are told so.
 */
public final class Blas {
  /** System property that names a BLAS library by file name or path. */
  public static final String PROPERTY = "stillgate.blas";

  private static final List<String> NAMES =
      List.of("libopenblas.so.0", "libblas.so.3", "libopenblas.dylib", "libopenblas.dll");
  private static final int ROW_MAJOR = 101;
  private static final int NO_TRANSPOSE = 111;
  private static final int TRANSPOSE = 112;

  private static final Blas FOUND = find();

  private final String name;
  private final @Nullable MethodHandle sgemv;
  private final @Nullable MethodHandle sgemm;
  private final Availability availability;

  private Blas(
      String name,
      @Nullable MethodHandle sgemv,
      @Nullable MethodHandle sgemm,
      Availability availability) {
    this.name = name;
    this.sgemv = sgemv;
    this.sgemm = sgemm;
    this.availability = availability;
  }

  /** The BLAS found when the class was loaded. */
  public static Blas system() {
    return FOUND;
  }

  /** Netlib's BLAS in Java, which runs everywhere. */
  public static Blas netlib() {
    return netlib("netlib was asked for", "ask for a native BLAS by name");
  }

  /**
   * The BLAS in a library of this name or at this path, on one thread.
   *
   * @throws IllegalArgumentException if it cannot be opened or is not a BLAS
   */
  public static Blas open(String nameOrPath) {
    try {
      SymbolLookup symbols =
          Files.exists(Path.of(nameOrPath))
              ? SymbolLookup.libraryLookup(Path.of(nameOrPath), Arena.global())
              : SymbolLookup.libraryLookup(nameOrPath, Arena.global());
      return open(nameOrPath, symbols);
    } catch (NoSuchElementException missing) {
      throw new IllegalArgumentException(
          "%s is not a BLAS: %s".formatted(nameOrPath, missing.getMessage()), missing);
    }
  }

  /** Name of the library in use, or of netlib's implementation. */
  public String name() {
    return name;
  }

  /** Whether a native BLAS was found; netlib answers in any case. */
  public Availability availability() {
    return availability;
  }

  /**
   * {@code y = A x} for a row-major A.
   *
   * @param rows rows of A
   * @param columns columns of A
   * @param a off-heap, rows * columns floats
   * @param x off-heap, columns floats
   * @param y off-heap, rows floats
   */
  public void sgemv(int rows, int columns, MemorySegment a, MemorySegment x, MemorySegment y) {
    if (sgemv == null) {
      netlib(rows, columns, a, x, y);
      return;
    }
    try {
      sgemv.invokeExact(ROW_MAJOR, NO_TRANSPOSE, rows, columns, 1f, a, columns, x, 1, 0f, y, 1);
    } catch (Throwable e) {
      throw new AssertionError("a BLAS throws nothing", e);
    }
  }

  /**
   * {@code C = A B^T}, all row-major: many vectors (the rows of A) times one matrix B of rows.
   *
   * @param vectors rows of A and C
   * @param rows rows of B, columns of C
   * @param width columns of A and B
   * @param a off-heap, vectors * width floats
   * @param b off-heap, rows * width floats
   * @param c off-heap, vectors * rows floats
   */
  public void sgemm(
      int vectors, int rows, int width, MemorySegment a, MemorySegment b, MemorySegment c) {
    if (sgemm == null) {
      // Column-major, C^T = B A^T: B^T and A are what netlib sees.
      float[] product = new float[vectors * rows];
      dev.ludovic
          .netlib
          .blas
          .BLAS
          .getInstance()
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
      return;
    }
    try {
      sgemm.invokeExact(
          ROW_MAJOR,
          NO_TRANSPOSE,
          TRANSPOSE,
          vectors,
          rows,
          width,
          1f,
          a,
          width,
          b,
          width,
          0f,
          c,
          rows);
    } catch (Throwable e) {
      throw new AssertionError("a BLAS throws nothing", e);
    }
  }

  /** Netlib knows heap arrays and column-major order only: A is its transpose there. */
  private static void netlib(
      int rows, int columns, MemorySegment a, MemorySegment x, MemorySegment y) {
    float[] product = new float[rows];
    dev.ludovic
        .netlib
        .blas
        .BLAS
        .getInstance()
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

  private static Blas find() {
    String named = System.getProperty(PROPERTY);
    for (String candidate : named == null ? NAMES : List.of(named)) {
      try {
        return open(candidate);
      } catch (IllegalArgumentException notThisOne) {
        if (named != null) {
          throw new IllegalArgumentException(
              "-D%s=%s is not a BLAS that can be opened: %s"
                  .formatted(PROPERTY, named, notThisOne.getMessage()),
              notThisOne);
        }
      } catch (IllegalCallerException denied) {
        return netlib("native access is denied", "add --enable-native-access=ALL-UNNAMED");
      }
    }
    return netlib(
        "no BLAS library among " + NAMES,
        "install one (Debian: apt-get install libopenblas0-pthread) or name it with -D" + PROPERTY);
  }

  private static Blas netlib(String reason, String cure) {
    return new Blas("netlib (Java)", null, null, Availability.unusable(reason, cure));
  }

  private static Blas open(String name, SymbolLookup symbols) {
    Linker linker = Linker.nativeLinker();
    MethodHandle sgemv =
        linker.downcallHandle(
            symbols.findOrThrow("cblas_sgemv"),
            FunctionDescriptor.ofVoid(
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_FLOAT,
                ADDRESS,
                JAVA_INT,
                ADDRESS,
                JAVA_INT,
                JAVA_FLOAT,
                ADDRESS,
                JAVA_INT));
    MethodHandle sgemm =
        linker.downcallHandle(
            symbols.findOrThrow("cblas_sgemm"),
            FunctionDescriptor.ofVoid(
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_FLOAT,
                ADDRESS,
                JAVA_INT,
                ADDRESS,
                JAVA_INT,
                JAVA_FLOAT,
                ADDRESS,
                JAVA_INT));
    for (String setter : List.of("openblas_set_num_threads", "MKL_Set_Num_Threads")) {
      symbols
          .find(setter)
          .ifPresent(address -> {
            try {
              linker.downcallHandle(address, FunctionDescriptor.ofVoid(JAVA_INT)).invokeExact(1);
            } catch (Throwable e) {
              throw new AssertionError("setting a thread count throws nothing", e);
            }
          });
    }
    return new Blas(name, sgemv, sgemm, Availability.usable(name));
  }
}
