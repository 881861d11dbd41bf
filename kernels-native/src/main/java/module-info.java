/**
 * The backend {@code native}: kernels in C, reached through the foreign function and memory API;
 * and the system BLAS, for dense baselines only.
 *
 * <p>Netlib stands behind a missing BLAS where its module is there; nothing that runs a network
 * needs it.
 */
module io.github.stillgate.kernel.ffm {
  requires io.github.stillgate.core;
  requires static dev.ludovic.netlib.blas;
  requires static org.jspecify;

  exports io.github.stillgate.kernel.ffm;

  provides io.github.stillgate.core.kernel.Backend with
      io.github.stillgate.kernel.ffm.NativeBackend;
}
