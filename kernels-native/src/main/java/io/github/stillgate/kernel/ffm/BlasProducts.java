package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.Availability;
import io.github.stillgate.core.kernel.DenseProducts;
import java.lang.foreign.MemorySegment;

/** The {@linkplain Blas#system() BLAS of this machine} for plans that ask for it. */
public final class BlasProducts implements DenseProducts {
  /** For {@link java.util.ServiceLoader}. */
  public BlasProducts() {}

  @Override
  public Availability availability() {
    Blas blas = Blas.system();
    return blas.identity().kind() == BlasIdentity.Kind.NONE
        ? blas.availability()
        : Availability.usable(blas.identity().name());
  }

  @Override
  public void multiply(
      int vectors, int rows, int width, MemorySegment a, MemorySegment b, MemorySegment c) {
    Blas.system().sgemm(vectors, rows, width, a, b, c);
  }
}
