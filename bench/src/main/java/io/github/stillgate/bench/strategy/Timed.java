package io.github.stillgate.bench.strategy;

/**
 * The time of one strategy.
 *
 * @param task {@code rows} (one stream, single units), {@code blocks} (many streams), or a word of
 *     {@link LayerTask}
 * @param strategy as in {@link RowStrategy#names} or {@link BlockStrategy#names}
 * @param live live fraction, of a layer the share of the columns that move
 * @param nanos median of a call
 * @param low fastest
 * @param high slowest
 */
record Timed(String task, String strategy, double live, double nanos, double low, double high) {}
