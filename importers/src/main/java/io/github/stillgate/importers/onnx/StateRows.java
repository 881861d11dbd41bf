package io.github.stillgate.importers.onnx;

/**
 * Which rows of a tensor of states hold which states. The tensor is {@code [directions, streams,
 * units]}, or {@code [streams, directions, units]} if the streams stand first; a row is one vector
 * of units.
 *
 * @param directions of the node
 * @param streams of the tensor
 * @param isBatchFirst whether streams stand before directions
 * @param arePositions whether the streams are positions of one step, each with a state of its own
 *     name; else a state is that of a direction in all streams
 */
record StateRows(int directions, int streams, boolean isBatchFirst, boolean arePositions) {
  /** Number of states that have a name. */
  int states() {
    return arePositions ? directions * streams : directions;
  }

  /** Rows of each state. */
  int rowsOfEach() {
    return arePositions ? 1 : streams;
  }

  /** The row of a state in one of its streams. */
  int row(int state, int stream) {
    if (arePositions) {
      return state;
    }
    return isBatchFirst ? stream * directions + state : state * streams + stream;
  }
}
