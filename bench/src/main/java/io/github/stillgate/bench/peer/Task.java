package io.github.stillgate.bench.peer;

/**
 * What one JVM of {@link Peers} times: a step of some streams, or a run over a whole sequence.
 *
 * @param layer kind of layer
 * @param units its width
 * @param streams streams that step together; 1 for a sequence
 * @param steps steps of a sequence; 1 for single steps
 */
record Task(String layer, int units, int streams, int steps) {
  LayerKind kind() {
    return LayerKind.of(layer);
  }

  /** Input vectors of one turn: one a stream, or one a step. */
  int rows() {
    return streams * steps;
  }
}
