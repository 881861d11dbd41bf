package io.github.stillgate.tuning;

/** What the rows or the columns of a layer's tensor run over. */
enum Axis {
  /** The values the layer reads. */
  INPUT,
  /** The values it gives, which most recurrent layers read again in the next step. */
  OUTPUT,
  /** The cells of an LSTM whose outputs are a projection of them. */
  CELL,
  /** The bottleneck of a conditional GRU's gates, or of a conditional dense layer's estimate. */
  BOTTLENECK
}
