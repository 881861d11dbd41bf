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
 * those that can only be an optimised library first, and behind them stands netlib in Java where it
 * is on the class or module path. Who answers is told by {@link #identity}, never by a file's name.
 * One thread, always: OpenBLAS, MKL and BLIS are told so.
 */
public final class Blas {
  /** System property that names a BLAS library by file name or path. */
  public static final String PROPERTY = "stillgate.blas";

  private static final List<String> NAMES =
      List.of(
          "libopenblas.so.0",
          "libmkl_rt.so.2",
          "libblis.so.4",
          "libblas.so.3",
          "libopenblas.dylib",
          "libopenblas.dll");
  private static final int ROW_MAJOR = 101;
  private static final int NO_TRANSPOSE = 111;
  private static final int TRANSPOSE = 112;

  private static final Blas FOUND = find();

  private final BlasIdentity identity;
  private final @Nullable MethodHandle sgemv;
  private final @Nullable MethodHandle sgemm;
  private final Availability availability;

  private Blas(
      BlasIdentity identity,
      @Nullable MethodHandle sgemv,
      @Nullable MethodHandle sgemm,
      Availability availability) {
    this.identity = identity;
    this.sgemv = sgemv;
    this.sgemm = sgemm;
    this.availability = availability;
  }

  /** The BLAS found when the class was loaded. */
  public static Blas system() {
    return FOUND;
  }

  /**
   * Netlib's BLAS in Java, which runs everywhere; {@link #identity} says {@link
   * BlasIdentity.Kind#NONE} where that optional dependency is absent.
   */
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

  /** Which BLAS this is. */
  public BlasIdentity identity() {
    return identity;
  }

  /** Whether a native BLAS was found; netlib may answer where none was. */
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
   * @throws IllegalStateException if no BLAS was found
   */
  public void sgemv(int rows, int columns, MemorySegment a, MemorySegment x, MemorySegment y) {
    if (sgemv == null) {
      requireNetlib();
      NetlibBlas.sgemv(rows, columns, a, x, y);
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
   * @throws IllegalStateException if no BLAS was found
   */
  public void sgemm(
      int vectors, int rows, int width, MemorySegment a, MemorySegment b, MemorySegment c) {
    if (sgemm == null) {
      requireNetlib();
      NetlibBlas.sgemm(vectors, rows, width, a, b, c);
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

  private void requireNetlib() {
    if (identity.kind() != BlasIdentity.Kind.NETLIB) {
      throw new IllegalStateException("there is no BLAS here: " + availability);
    }
  }

  private static Blas find() {
    String named = System.getProperty(PROPERTY);
    for (String candidate : named == null ? NAMES : List.of(named)) {
      try {
        return open(candidate);
      } catch (IllegalArgumentException notThisOne) {
        if (named != null) {
          return netlib(
              "-D%s=%s is not a BLAS that can be opened: %s"
                  .formatted(PROPERTY, named, notThisOne.getMessage()),
              "name a library that has cblas_sgemv and cblas_sgemm, or leave -D"
                  + PROPERTY
                  + " out");
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
    boolean present = NetlibBlas.isPresent();
    BlasIdentity identity =
        present
            ? new BlasIdentity(BlasIdentity.Kind.NETLIB, null, null, 1, null)
            : BlasIdentity.none();
    return new Blas(
        identity,
        null,
        null,
        present
            ? Availability.unusable(reason, cure)
            : Availability.unusable(
                reason + ", and dev.ludovic.netlib:blas, which is optional, is not there", cure));
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
    BlasIdentity identity = BlasProbe.setToOneThread(name, symbols);
    return new Blas(identity, sgemv, sgemm, Availability.usable(identity.name()));
  }
}
