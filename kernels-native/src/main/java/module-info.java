/**
 * The backend {@code native}: kernels in C, reached through the foreign function and memory API;
 * and the system BLAS, for plans that ask for it and for baselines.
 *
 * <p>Netlib answers where there is no BLAS, if its module is there; nothing that runs a network
 * needs it.
 */
module io.github.stillgate.kernel.ffm {
  requires io.github.stillgate.core;
  requires static dev.ludovic.netlib.blas;
  requires static org.jspecify;

  exports io.github.stillgate.kernel.ffm;

  provides io.github.stillgate.core.kernel.Backend with
      io.github.stillgate.kernel.ffm.NativeBackend;
  provides io.github.stillgate.core.kernel.DenseProducts with
      io.github.stillgate.kernel.ffm.BlasProducts;
}
