/**
 * Weights, model, plan, session, and the kernel floor they stand on.
 *
 * <p>The rooms stand in one line, {@code weights -> model -> plan -> session}, and no room knows
 * the one to its right; {@code kernel} lies below them and knows nobody. Importers read JSON with
 * the parser that reads descriptions.
 */
module io.github.stillgate.core {
  requires com.fasterxml.jackson.core;
  requires jdk.management;
  requires static transitive org.jspecify;

  exports io.github.stillgate.core.weights;
  exports io.github.stillgate.core.model;
  exports io.github.stillgate.core.plan;
  exports io.github.stillgate.core.session;
  exports io.github.stillgate.core.json to
      io.github.stillgate.importers;
  exports io.github.stillgate.core.kernel to
      io.github.stillgate.kernel.vector,
      io.github.stillgate.kernel.ffm;

  uses io.github.stillgate.core.kernel.Backend;
  uses io.github.stillgate.core.kernel.DenseProducts;

  provides io.github.stillgate.core.kernel.Backend with
      io.github.stillgate.core.kernel.reference.ReferenceBackend;
}
