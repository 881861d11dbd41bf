/** The backend {@code vector}: kernels on the incubating Vector API, named by no other module. */
module io.github.stillgate.kernel.vector {
  requires io.github.stillgate.core;
  requires jdk.incubator.vector;
  requires jdk.management;
  requires static org.jspecify;

  provides io.github.stillgate.core.kernel.Backend with
      io.github.stillgate.kernel.vector.VectorBackend;
}
